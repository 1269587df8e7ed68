-- One row per conversation: what happened in its last two turns, where people give up.
{{ replace_affected('int_conversations_affected') }}
with

events as (

    select
        events.*,
        coalesce(events.event_type = 'user_message' and (labels.is_rephrase or labels.is_repeat), false) as is_repetition,
        max(events.turn_number) over (partition by events.conversation_key) as last_turn_number
    from {{ ref('int_events_affected') }} as events
    left join {{ ref('int_message_labels_chosen') }} as labels
        on events.source = labels.source and events.event_id = labels.event_id

),

turns as (

    select
        conversation_key,
        turn_number,
        bool_or(event_type in ('handoff_requested', 'handoff_connected')) as has_handoff,
        bool_or(is_tool_error) as has_tool_error,
        bool_or(event_type = 'fallback_triggered') as has_fallback,
        count(case when is_repetition then 1 end) as repetition_count,
        min(occurred_at) filter (where event_type = 'user_message') as asked_at,
        min(occurred_at) filter (where event_type = 'agent_message') as replied_at,
        max(sequence_number) filter (where event_type in ('user_message', 'agent_message')) as last_message_sequence,
        max_by(event_type, sequence_number) filter (where event_type in ('user_message', 'agent_message')) as last_message_type,
        max_by(event_id, sequence_number) filter (where event_type = 'user_message') as user_message_event_id,
        max_by(source, sequence_number) filter (where event_type = 'user_message') as user_message_source
    from events
    where turn_number >= last_turn_number - 1
    group by conversation_key, turn_number

),

last_turns_examined as (

    select
        conversation_key,
        bool_or(has_handoff) as has_late_handoff,
        bool_or(has_tool_error) as has_late_tool_error,
        bool_or(has_fallback) as has_late_fallback,
        sum(repetition_count) as late_repetition_count,
        max({{ milliseconds_between('asked_at', 'replied_at') }}) as slowest_late_response_ms,
        case max_by(last_message_type, last_message_sequence) when 'user_message' then 'customer' when 'agent_message' then 'agent' end
            as last_message_role,
        max_by(user_message_event_id, turn_number) as last_user_message_event_id,
        max_by(user_message_source, turn_number) as last_user_message_source
    from turns
    group by conversation_key

)

select * from last_turns_examined
