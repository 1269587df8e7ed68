-- One row per recomputed conversation, funnel and stage reached in any order, within the stage's window from the entry.
{{ config(materialized='table') }}
with

stage_signals as (

    select * from {{ ref('int_stage_signals_standing') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

-- Windows are half-open: a meeting exactly 720 hours after the entry is outside.
signals_in_window as (

    select stage_signals.*
    from stage_signals
    inner join stages on stage_signals.funnel = stages.funnel and stage_signals.stage_order = stages.stage_order
    where stages.within_hours is null or stage_signals.occurred_at < {{ add_hours('stage_signals.entered_at', 'stages.within_hours') }}

),

signals_ranked as (

    select
        *,
        row_number() over (
            partition by conversation_key, funnel, stage_order order by position, event_id, source, evidence_kind
        ) as reach_number
    from signals_in_window

)

select * from signals_ranked
where reach_number = 1
