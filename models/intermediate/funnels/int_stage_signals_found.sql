-- One row per conversation, funnel, stage and event that shows the stage: every occurrence, not only the first.
{{ replace_touched('int_conversations_touched') }}
with

events as (

    select conversation_key, sequence_number, event_id, event_type, occurred_at, seq
    from {{ ref('int_events_touched') }}

),

facts as (

    select * from {{ ref('int_facts_dated') }}

),

funnel_stages as (

    select * from {{ ref('funnel_stages') }}

),

signals_of_events as (

    select
        events.conversation_key, events.occurred_at, events.seq, events.event_id,
        funnel_stages.funnel, funnel_stages.stage_order, funnel_stages.stage, 'event' as evidence_kind
    from events
    inner join funnel_stages on events.event_type = funnel_stages.signal
    where funnel_stages.signal_kind = 'event'

),

signals_of_facts as (

    select
        events.conversation_key, events.occurred_at, events.seq, events.event_id,
        funnel_stages.funnel, funnel_stages.stage_order, funnel_stages.stage, 'rule' as evidence_kind
    from events
    inner join facts on events.conversation_key = facts.conversation_key and events.sequence_number = facts.sequence_number
    inner join funnel_stages on facts.fact = funnel_stages.signal
    where
        funnel_stages.signal_kind = 'fact'
        and (funnel_stages.minimum_value is null or facts.fact_value >= funnel_stages.minimum_value)

),

signals_united as (

    select * from signals_of_events
    union all
    select * from signals_of_facts

),

-- Events that nothing puts in an order (same instant, no seq) get the same position: their stages may follow each other.
signals_placed as (

    select
        *,
        rank() over (partition by conversation_key order by occurred_at, seq nulls last) as position
    from signals_united

)

select * from signals_placed
