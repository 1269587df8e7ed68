-- One row per funnel, stage and source that can show the stage at all, or could before this run.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_stages_measured') %}
with

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

sources as (

    select source from {{ ref('sources') }}

),

-- A classifier that says no has looked, too; one that does not know has seen nothing.
stages_shown as (

    select conversation_key, funnel, stage_order
    from {{ ref('int_stage_signals_found') }}
    union all
    select labels.conversation_key, funnel_stages.funnel, funnel_stages.stage_order
    from {{ ref('int_stage_labels_chosen') }} as labels
    inner join {{ ref('funnel_stages') }} as funnel_stages on labels.stage = funnel_stages.signal
    where funnel_stages.signal_kind = 'label' and labels.is_reached is not null

),

stages_seen as (

    select distinct stages_shown.funnel, stages_shown.stage_order, conversations.source
    from stages_shown
    inner join {{ ref('int_conversations') }} as conversations on stages_shown.conversation_key = conversations.conversation_key

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
    left join stages_seen
        on
            stages.funnel = stages_seen.funnel
            and stages.stage_order = stages_seen.stage_order
            and sources.source = stages_seen.source
    where
        stages.is_always_measured
        or stages_seen.source is not null
        or (stages.has_score and sources.source in (select scores_seen.source from scores_seen))

),

-- The first signal a source ever sends turns its past from unknown into zero: every day of the funnel is stated anew. So
-- it is when the only conversation that showed the stage turns out to be another source's.
changes_marked as (

    {% if before -%}
    select
        coalesce(stages_measured.funnel, before.funnel) as funnel,
        coalesce(stages_measured.stage_order, before.stage_order) as stage_order,
        coalesce(stages_measured.source, before.source) as source,
        stages_measured.funnel is not null as is_measured,
        (stages_measured.funnel is not null) <> coalesce(before.is_measured, false)
        {% if was_interrupted() %}or coalesce(before.is_changed, false){% endif %} as is_changed
    from stages_measured
    full outer join {{ before }} as before
        on
            stages_measured.funnel = before.funnel
            and stages_measured.stage_order = before.stage_order
            and stages_measured.source = before.source
    {%- else -%}
    select funnel, stage_order, source, true as is_measured, true as is_changed
    from stages_measured
    {%- endif %}

)

select * from changes_marked
where is_measured or is_changed
