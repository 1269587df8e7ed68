-- One row per recomputed conversation, funnel it entered, stage and event that shows the stage, as its outcome leaves it.
{{ config(materialized='table') }}
with

entries as (

    select * from {{ ref('int_funnel_entries_found') }}

),

stage_signals as (

    select * from {{ ref('int_stage_signals_found') }}

),

solutions as (

    select conversation_key, solution_event_id
    from {{ ref('int_outcomes_decided') }}
    where solution_event_id is not null

),

signals_standing as (

    select stage_signals.*, entries.entered_at
    from stage_signals
    inner join entries
        on stage_signals.conversation_key = entries.conversation_key and stage_signals.funnel = entries.funnel
    left join solutions on stage_signals.conversation_key = solutions.conversation_key
    -- One rule for the funnel and for is_resolved.
    where not stage_signals.is_of_outcome or stage_signals.event_id = solutions.solution_event_id

)

select * from signals_standing
