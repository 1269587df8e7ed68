-- One row per guided flow that a customer started in a published conversation.
{{ replace_affected('int_conversations_recomputed') }}
with

-- A flow without an end depends on whether its conversation is closed, so a conversation that the watermark closed counts again.
conversations as (

    select conversations.conversation_key, conversations.conversation_date, outcomes.is_closed
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_outcomes_decided') }} as outcomes on conversations.conversation_key = outcomes.conversation_key

),

-- The next event in a flow of the same name; a customer who starts the flow again has abandoned the run before.
flow_events as (

    select
        events.*,
        conversations.conversation_date,
        conversations.is_closed,
        lead(events.event_type) over flow as next_event_type,
        lead(events.occurred_at) over flow as next_occurred_at
    from {{ ref('int_events') }} as events
    inner join conversations on events.conversation_key = conversations.conversation_key
    where events.event_type in ('flow_started', 'flow_completed', 'flow_abandoned')
    window flow as (partition by events.conversation_key, events.flow_name order by events.sequence_number)

),

flows_ended as (

    select
        source || ':' || event_id as flow_key,
        conversation_key,
        source,
        event_id,
        conversation_date,
        sequence_number,
        turn_number,
        flow_name,
        occurred_at as started_at,
        case when next_event_type <> 'flow_started' then next_occurred_at end as ended_at,
        case
            when next_event_type = 'flow_completed' then 'completed'
            when next_event_type is not null or is_closed then 'abandoned'
            else 'in_progress'
        end as outcome
    from flow_events
    where event_type = 'flow_started'

),

flows as (

    select
        *,
        {{ milliseconds_between('started_at', 'ended_at') }} / 1000.0 as duration_seconds
    from flows_ended

)

select * from flows
