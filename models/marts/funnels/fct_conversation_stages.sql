-- One row per production conversation, funnel and stage it reached, with the event that shows it.
{{ replace_affected('int_conversations_recomputed') }}
with

entries as (

    select * from {{ ref('int_funnel_entries_found') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

reached as (

    select * from {{ ref('int_stages_reached') }}

),

reached_in_order as (

    select * from {{ ref('int_stages_reached_in_order') }}

),

stages_found as (

    select
        entries.conversation_key,
        entries.funnel,
        stages.stage_order,
        stages.stage,
        entries.entered_at,
        entries.entry_date,
        reached.occurred_at,
        reached.event_id,
        reached.evidence_kind,
        reached.confidence,
        reached.definition_hash,
        stages.definition_hash as stage_definition_hash,
        reached.conversation_key is not null as is_reached,
        reached_in_order.conversation_key is not null as is_in_order,
        reached_in_order.position as position_in_order
    from entries
    inner join stages on entries.funnel = stages.funnel
    left join reached
        on
            entries.conversation_key = reached.conversation_key
            and entries.funnel = reached.funnel
            and stages.stage_order = reached.stage_order
    left join reached_in_order
        on
            entries.conversation_key = reached_in_order.conversation_key
            and entries.funnel = reached_in_order.funnel
            and stages.stage_order = reached_in_order.stage_order
    where reached.conversation_key is not null or reached_in_order.conversation_key is not null

),

-- Stages outside their window from the entry, yet in order: only these need another event than the one of reached.
signals_in_order_ranked as (

    select
        stage_signals.*,
        row_number() over (
            partition by stage_signals.conversation_key, stage_signals.funnel, stage_signals.stage_order
            order by stage_signals.event_id, stage_signals.source, stage_signals.evidence_kind
        ) as signal_number
    from {{ ref('int_stage_signals_standing') }} as stage_signals
    inner join stages_found
        on
            stage_signals.conversation_key = stages_found.conversation_key
            and stage_signals.funnel = stages_found.funnel
            and stage_signals.stage_order = stages_found.stage_order
            and stage_signals.position = stages_found.position_in_order
    where not stages_found.is_reached

),

evidence_in_order as (

    select * from signals_in_order_ranked
    where signal_number = 1

),

stages_stated as (

    select
        stages_found.conversation_key,
        stages_found.funnel,
        stages_found.stage_order,
        stages_found.stage,
        stages_found.entered_at,
        stages_found.entry_date,
        coalesce(stages_found.occurred_at, evidence_in_order.occurred_at) as reached_at,
        coalesce(stages_found.event_id, evidence_in_order.event_id) as evidence_event_id,
        coalesce(stages_found.evidence_kind, evidence_in_order.evidence_kind) as evidence_kind,
        coalesce(stages_found.confidence, evidence_in_order.confidence) as confidence,
        coalesce(
            stages_found.definition_hash, evidence_in_order.definition_hash, stages_found.stage_definition_hash
        ) as definition_hash,
        stages_found.is_reached,
        stages_found.is_in_order
    from stages_found
    left join evidence_in_order
        on
            stages_found.conversation_key = evidence_in_order.conversation_key
            and stages_found.funnel = evidence_in_order.funnel
            and stages_found.stage_order = evidence_in_order.stage_order

)

select * from stages_stated
