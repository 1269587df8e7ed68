-- One row per production conversation lost in a funnel: where, and what happened in its last two turns.
-- Replaced day by day like funnel_stages, not by conversation: a stage that a source shows for the first time may be next for all.
{{ replace_affected('int_dates_affected', key='entry_date', affected_key='date') }}
with

entries_lost as (

    select *
    from {{ ref('int_funnel_entries_placed') }}
    where not is_last_reached and not is_in_progress and {{ only_affected_dates('entry_date') }}

),

-- The stage of an entry, and the next stage, which was not reached. Stages that this source cannot show are skipped.
entries_with_stages as (

    select
        entries_lost.conversation_key,
        entries_lost.funnel,
        entries_lost.entry_date,
        entries_lost.furthest_stage_order,
        min(stages.stage) filter (where stages.stage_order = entries_lost.furthest_stage_order) as last_stage,
        min_by(stages.stage, stages.stage_order) filter (
            where stages.stage_order > entries_lost.furthest_stage_order and measured.is_measured
        ) as next_stage
    from entries_lost
    inner join {{ ref('int_funnel_stages_defined') }} as stages
        on entries_lost.funnel = stages.funnel and entries_lost.furthest_stage_order <= stages.stage_order
    left join {{ ref('int_stages_measured') }} as measured
        on
            stages.funnel = measured.funnel
            and stages.stage_order = measured.stage_order
            and entries_lost.source = measured.source
    group by entries_lost.conversation_key, entries_lost.funnel, entries_lost.entry_date, entries_lost.furthest_stage_order

),

message_texts as (

    select source, event_id, content
    from {{ ref('stg_messages__texts') }}

),

dropoffs as (

    select
        entries_with_stages.conversation_key,
        entries_with_stages.funnel,
        entries_with_stages.entry_date,
        entries_with_stages.furthest_stage_order as last_stage_order,
        entries_with_stages.last_stage,
        entries_with_stages.next_stage,
        conversations.user_message_count as last_turn_number,
        last_turns.last_user_message_event_id as last_customer_message_event_id,
        message_texts.content as last_customer_message,
        case
            when last_turns.has_late_handoff then 'handoff'
            when last_turns.has_late_tool_error then 'tool_error'
            when last_turns.has_late_fallback then 'fallback'
            when last_turns.late_repetition_count >= 2 then 'rephrased'
            when last_turns.last_message_role = 'customer' then 'no_answer'
            when last_turns.slowest_late_response_ms > 60000 then 'slow_response'
            else 'unknown'
        end as reason
    from entries_with_stages
    inner join {{ ref('int_conversations') }} as conversations on entries_with_stages.conversation_key = conversations.conversation_key
    inner join {{ ref('int_last_turns_examined') }} as last_turns on entries_with_stages.conversation_key = last_turns.conversation_key
    left join message_texts
        on last_turns.last_user_message_source = message_texts.source and last_turns.last_user_message_event_id = message_texts.event_id

)

select * from dropoffs
