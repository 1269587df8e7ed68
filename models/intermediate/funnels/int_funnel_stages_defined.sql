-- One row per funnel and stage of the configuration, with what its neighbours need to know.
with

funnel_stages as (

    select
        *,
        signal_kind || ':' || signal || coalesce('>=' || cast(minimum_value as {{ dbt.type_string() }}), '') as signal_text
    from {{ ref('funnel_stages') }}

),

stages_folded as (

    select
        funnel,
        stage_order,
        stage,
        max(within_hours) as within_hours,
        bool_or(signal_kind = 'fact' and minimum_value is null) as is_always_measured,
        bool_or(signal_kind = 'fact' and minimum_value is not null) as has_score,
        {{ ordered_text('signal_text', 'signal_kind, signal') }} as signals
    from funnel_stages
    group by funnel, stage_order, stage

),

definitions_written as (

    select
        *,
        concat_ws('/', funnel, stage, signals, coalesce(cast(within_hours as {{ dbt.type_string() }}), 'any')) as definition_text
    from stages_folded

),

stages_defined as (

    select
        funnel,
        stage_order,
        stage,
        within_hours,
        is_always_measured,
        has_score,
        md5(definition_text) as definition_hash,
        max(stage_order) over (partition by funnel) as last_stage_order,
        lag(stage_order) over (partition by funnel order by stage_order) as previous_stage_order
    from definitions_written

)

select * from stages_defined
