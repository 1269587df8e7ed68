-- One row per production conversation lost in a funnel: where, and what happened in its last two turns.
{{ replace_touched('int_conversations_restated') }}
with

entries_lost as (

    select entries.*
    from {{ ref('int_funnel_entries_placed') }} as entries
    inner join {{ ref('int_conversations_restated') }} as restated on entries.conversation_key = restated.conversation_key
    where not entries.is_last_reached and not entries.is_in_progress

),

conversations as (

    select conversation_key, source, user_message_count
    from {{ ref('int_conversations') }}

),

last_turns as (

    select * from {{ ref('int_last_turns_examined') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

message_texts as (

    select source, event_id, content
    from {{ source('raw', 'message_texts') }}

),

dropoffs as (

    select
        entries_lost.conversation_key,
        entries_lost.funnel,
        entries_lost.entry_date,
        entries_lost.furthest_stage_order as last_stage_order,
        stages.stage as last_stage,
        stages.next_stage,
        conversations.user_message_count as last_turn_number,
        last_turns.last_user_message_event_id as last_customer_message_event_id,
        message_texts.content as last_customer_message,
        case
            when last_turns.has_late_handoff then 'handoff'
            when last_turns.has_late_tool_error then 'tool_error'
            when last_turns.has_late_fallback then 'fallback'
            when last_turns.last_message_role = 'customer' then 'no_answer'
            when last_turns.slowest_late_response_ms > 60000 then 'slow_response'
            else 'unknown'
        end as reason
    from entries_lost
    inner join conversations on entries_lost.conversation_key = conversations.conversation_key
    inner join last_turns on entries_lost.conversation_key = last_turns.conversation_key
    inner join stages
        on entries_lost.funnel = stages.funnel and entries_lost.furthest_stage_order = stages.stage_order
    left join message_texts
        on conversations.source = message_texts.source and last_turns.last_user_message_event_id = message_texts.event_id

)

select * from dropoffs
