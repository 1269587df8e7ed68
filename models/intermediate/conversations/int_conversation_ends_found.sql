-- One row per conversation with an explicit end that no interaction came after.
with

ends as (

    select conversation_key, event_type, event_id, sequence_number, occurred_at
    from {{ ref('int_events_touched') }}
    where event_type in ('conversation_completed', 'conversation_ended', 'conversation_abandoned')

),

conversations as (

    select conversation_key, last_interaction_sequence
    from {{ ref('int_conversations_aggregated') }}

),

standing_ends as (

    select ends.*
    from ends
    inner join conversations on ends.conversation_key = conversations.conversation_key
    where ends.sequence_number > coalesce(conversations.last_interaction_sequence, 0)

),

conversation_ends_found as (

    select
        conversation_key,
        min(occurred_at) as ended_at,
        min_by(event_id, sequence_number) as end_event_id,
        min_by(event_id, sequence_number) filter (where event_type = 'conversation_abandoned') as abandoned_event_id
    from standing_ends
    group by conversation_key

)

select * from conversation_ends_found
