-- One row per engaged and closed conversation of the last 28 days and turn up to the 8th: the weightiest thing that happened in it.
{{ config(materialized='table') }}
with

last_days as (

    select cast({{ in_reporting_timezone('data_until_at') }} as date) - 1 as last_date
    from {{ ref('int_data_until_measured') }}

),

conversations as (

    select
        facts.conversation_key,
        -- An unknown user counts as a new one in every conversation.
        coalesce(facts.id_namespace || ':' || facts.user_id, facts.conversation_key) as user_key,
        facts.is_resolved,
        facts.outcome = 'abandoned' as is_abandoned,
        facts.user_message_count
    from {{ ref('fct_conversations') }} as facts
    cross join last_days
    where
        facts.is_engaged and facts.is_closed and facts.user_message_count > 0
        and facts.conversation_date <= last_days.last_date and facts.conversation_date > last_days.last_date - 28

),

events_of_turns as (

    select conversation_key, turn_number, event_type, is_tool_error
    from {{ ref('int_events') }}
    where turn_number between 1 and 8

),

turns_described as (

    select
        conversations.conversation_key,
        conversations.user_key,
        conversations.is_resolved,
        conversations.is_abandoned,
        conversations.user_message_count,
        events.turn_number,
        case
            when bool_or(events.event_type in ('handoff_requested', 'handoff_connected')) then 'handoff'
            when bool_or(events.event_type = 'fallback_triggered') then 'fallback'
            when bool_or(events.is_tool_error) then 'tool_error'
            when bool_or(events.event_type = 'tool_called') then 'tool'
            when bool_or(events.event_type = 'agent_message') then 'answer'
            else 'no_answer'
        end as step
    from conversations
    inner join events_of_turns as events on conversations.conversation_key = events.conversation_key
    group by
        conversations.conversation_key, conversations.user_key, conversations.is_resolved, conversations.is_abandoned,
        conversations.user_message_count, events.turn_number

)

select * from turns_described
