-- One row per conversation, funnel, stage and event that shows the stage: every occurrence, not only the first.
{{ replace_affected('int_conversations_affected') }}
with

events as (

    select conversation_key, sequence_number, source, event_id, event_type, occurred_at, seq
    from {{ ref('int_events_affected') }}

),

-- Where a label `resolved` shows a stage, the outcome decides which signal stands: all of them are kept.
funnel_stages as (

    select
        *,
        bool_or(signal_kind = 'label' and signal = 'resolved') over (partition by funnel, stage_order) as is_of_outcome
    from {{ ref('funnel_stages') }}

),

signals_of_events as (

    select
        events.conversation_key, events.occurred_at, events.seq, events.source, events.event_id,
        funnel_stages.funnel, funnel_stages.stage_order, funnel_stages.stage, funnel_stages.is_of_outcome
    from events
    inner join funnel_stages on events.event_type = funnel_stages.signal
    where funnel_stages.signal_kind = 'event'

),

signals_of_facts as (

    select
        events.conversation_key, events.occurred_at, events.seq, events.source, events.event_id,
        funnel_stages.funnel, funnel_stages.stage_order, funnel_stages.stage, funnel_stages.is_of_outcome
    from events
    inner join {{ ref('int_facts_dated') }} as facts
        on events.conversation_key = facts.conversation_key and events.sequence_number = facts.sequence_number
    inner join funnel_stages on facts.fact = funnel_stages.signal
    where
        funnel_stages.signal_kind = 'fact'
        and (funnel_stages.minimum_value is null or facts.fact_value >= funnel_stages.minimum_value)

),

signals_stated as (

    select * from signals_of_events
    union
    select * from signals_of_facts

),

-- A classifier is asked only for the stages that events and facts leave open.
signals_of_labels as (

    select
        labels.conversation_key, labels.occurred_at, labels.seq, labels.source, labels.event_id,
        funnel_stages.funnel, funnel_stages.stage_order, funnel_stages.stage, funnel_stages.is_of_outcome,
        labels.classifier_kind as evidence_kind, labels.confidence, labels.definition_hash
    from {{ ref('int_stages_labelled') }} as labels
    inner join funnel_stages on labels.stage = funnel_stages.signal
    left join signals_stated
        on
            labels.conversation_key = signals_stated.conversation_key
            and funnel_stages.funnel = signals_stated.funnel
            and funnel_stages.stage_order = signals_stated.stage_order
            and case when funnel_stages.is_of_outcome then labels.event_id else '' end
            = case when signals_stated.is_of_outcome then signals_stated.event_id else '' end
    where funnel_stages.signal_kind = 'label' and signals_stated.conversation_key is null

),

signals_united as (

    select
        *,
        'event' as evidence_kind,
        cast(1.0 as double) as confidence,
        cast(null as {{ dbt.type_string() }}) as definition_hash
    from signals_stated
    union all
    select * from signals_of_labels

),

-- Events without an order (same instant, no seq) get the same position: their stages may follow each other.
signals_placed as (

    select
        *,
        rank() over (partition by conversation_key order by occurred_at, seq nulls last) as position
    from signals_united

)

select * from signals_placed
