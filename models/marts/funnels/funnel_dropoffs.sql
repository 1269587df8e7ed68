-- One row per production conversation lost in a funnel: where, and what happened in its last two turns.
-- Day by day as funnel_stages, not by conversation: a stage that a source shows for the first time may be next for all.
{{ replace_touched('int_dates_touched', key='entry_date', touched_key='date') }}
with

entries_lost as (

    select *
    from {{ ref('int_funnel_entries_placed') }}
    where not is_last_reached and not is_in_progress and {{ only_touched_dates('entry_date') }}

),

conversations as (

    select conversation_key, user_message_count
    from {{ ref('int_conversations') }}

),

last_turns as (

    select * from {{ ref('int_last_turns_examined') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

-- A stage that nobody can see in this source is not the one that did not come.
next_stages_found as (

    select
        entries_lost.conversation_key,
        entries_lost.funnel,
        min_by(stages.stage, stages.stage_order) as next_stage
    from entries_lost
    inner join {{ ref('int_stages_measured') }} as measured
        on
            entries_lost.funnel = measured.funnel
            and entries_lost.source = measured.source
            and entries_lost.furthest_stage_order < measured.stage_order
            and measured.is_measured
    inner join stages on measured.funnel = stages.funnel and measured.stage_order = stages.stage_order
    group by entries_lost.conversation_key, entries_lost.funnel

),

message_texts as (

    select source, event_id, content
    from {{ ref('stg_messages__texts') }}

),

dropoffs as (

    select
        entries_lost.conversation_key,
        entries_lost.funnel,
        entries_lost.entry_date,
        entries_lost.furthest_stage_order as last_stage_order,
        stages.stage as last_stage,
        next_stages_found.next_stage,
        conversations.user_message_count as last_turn_number,
        last_turns.last_user_message_event_id as last_customer_message_event_id,
        message_texts.content as last_customer_message,
        case
            when last_turns.has_late_handoff then 'handoff'
            when last_turns.has_late_tool_error then 'tool_error'
            when last_turns.has_late_fallback then 'fallback'
            when last_turns.late_said_again_count >= 2 then 'rephrased'
            when last_turns.last_message_role = 'customer' then 'no_answer'
            when last_turns.slowest_late_response_ms > 60000 then 'slow_response'
            else 'unknown'
        end as reason
    from entries_lost
    inner join conversations on entries_lost.conversation_key = conversations.conversation_key
    inner join last_turns on entries_lost.conversation_key = last_turns.conversation_key
    inner join stages
        on entries_lost.funnel = stages.funnel and entries_lost.furthest_stage_order = stages.stage_order
    left join next_stages_found
        on entries_lost.conversation_key = next_stages_found.conversation_key and entries_lost.funnel = next_stages_found.funnel
    left join message_texts
        on last_turns.last_user_message_source = message_texts.source and last_turns.last_user_message_event_id = message_texts.event_id

)

select * from dropoffs
