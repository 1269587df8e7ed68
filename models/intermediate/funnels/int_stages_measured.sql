-- One row per funnel, stage and source that can show the stage at all: a stage nobody can see is unknown, not zero.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_stages_measured') %}
with

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

sources as (

    select source from {{ ref('sources') }}

),

signals_seen as (

    select distinct stage_signals.funnel, stage_signals.stage_order, conversations.source
    from {{ ref('int_stage_signals_found') }} as stage_signals
    inner join {{ ref('int_conversations') }} as conversations on stage_signals.conversation_key = conversations.conversation_key

),

-- A score below the minimum still shows that somebody looked.
scores_seen as (

    select distinct source
    from {{ ref('int_conversations') }}
    where qualification_score is not null

),

stages_measured as (

    select stages.funnel, stages.stage_order, sources.source
    from stages
    cross join sources
    left join signals_seen
        on
            stages.funnel = signals_seen.funnel
            and stages.stage_order = signals_seen.stage_order
            and sources.source = signals_seen.source
    left join scores_seen on sources.source = scores_seen.source
    where
        stages.is_always_measured
        or signals_seen.source is not null
        or (stages.has_score and scores_seen.source is not null)

),

-- The first signal a source ever sends turns its past from unknown into zero: every day of the funnel is stated anew.
news_marked as (

    select
        stages_measured.*,
        {% if before -%}
        before.funnel is null {% if was_interrupted() %}or before.is_new{% endif %} as is_new
        {%- else -%}
        true as is_new
        {%- endif %}
    from stages_measured
    {% if before -%}
    left join {{ before }} as before
        on
            stages_measured.funnel = before.funnel
            and stages_measured.stage_order = before.stage_order
            and stages_measured.source = before.source
    {%- endif %}

)

select * from news_marked
