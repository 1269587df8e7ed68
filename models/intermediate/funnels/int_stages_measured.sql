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

stages_measured as (

    select stages.funnel, stages.stage_order, sources.source
    from stages
    cross join sources
    left join {{ ref('int_stage_examples_found') }} as examples
        on
            stages.funnel = examples.funnel
            and stages.stage_order = examples.stage_order
            and sources.source = examples.source
    where stages.is_always_measured or examples.source is not null

),

-- The first signal a source ever sends turns its past from unknown into zero: every day of the funnel is recomputed.
-- The same holds when the only conversation that showed the stage turns out to be another source's.
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
