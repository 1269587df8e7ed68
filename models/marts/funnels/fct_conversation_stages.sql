-- One row per production conversation, funnel and stage it reached, with the event that shows it.
{{ replace_touched('int_conversations_restated') }}
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

signals_ranked as (

    select
        *,
        row_number() over (
            partition by conversation_key, funnel, stage_order, position order by event_id, source
        ) as signal_number
    from {{ ref('int_stage_signals_found') }}

),

evidence_in_order as (

    select signals_ranked.*
    from signals_ranked
    inner join reached_in_order
        on
            signals_ranked.conversation_key = reached_in_order.conversation_key
            and signals_ranked.funnel = reached_in_order.funnel
            and signals_ranked.stage_order = reached_in_order.stage_order
            and signals_ranked.position = reached_in_order.position
    where signals_ranked.signal_number = 1

),

stages_stated as (

    select
        entries.conversation_key,
        entries.funnel,
        stages.stage_order,
        stages.stage,
        entries.entered_at,
        entries.entry_date,
        coalesce(reached.occurred_at, evidence_in_order.occurred_at) as reached_at,
        coalesce(reached.event_id, evidence_in_order.event_id) as evidence_event_id,
        coalesce(reached.evidence_kind, evidence_in_order.evidence_kind) as evidence_kind,
        coalesce(reached.confidence, evidence_in_order.confidence) as confidence,
        coalesce(reached.definition_hash, evidence_in_order.definition_hash, stages.definition_hash) as definition_hash,
        reached.conversation_key is not null as is_reached,
        evidence_in_order.conversation_key is not null as is_in_order
    from entries
    inner join stages on entries.funnel = stages.funnel
    left join reached
        on
            entries.conversation_key = reached.conversation_key
            and entries.funnel = reached.funnel
            and stages.stage_order = reached.stage_order
    left join evidence_in_order
        on
            entries.conversation_key = evidence_in_order.conversation_key
            and entries.funnel = evidence_in_order.funnel
            and stages.stage_order = evidence_in_order.stage_order

)

select * from stages_stated
where is_reached or is_in_order
