-- One row per conversation whose customer got an answer: the time from the first question to the first reply after it.
with

events as (

    select conversation_key, event_type, sequence_number, occurred_at
    from {{ ref('int_events_touched') }}
    where event_type in ('user_message', 'agent_message')

),

conversations as (

    select conversation_key, first_user_message_sequence
    from {{ ref('int_conversations_aggregated') }}

),

-- A reply counts only after the customer's first message: a greeting sent before it is not a response.
first_exchanges as (

    select
        events.conversation_key,
        min(events.occurred_at) filter (where events.event_type = 'user_message') as asked_at,
        min(events.occurred_at) filter (where events.event_type = 'agent_message') as replied_at
    from events
    inner join conversations on events.conversation_key = conversations.conversation_key
    where events.sequence_number >= conversations.first_user_message_sequence
    group by events.conversation_key

),

responses_timed as (

    select
        conversation_key,
        {{ milliseconds_between('asked_at', 'replied_at') }} as first_response_ms
    from first_exchanges
    where replied_at is not null

)

select * from responses_timed
