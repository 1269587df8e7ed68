-- One row per test, phase, metric and counted unit: what became of the unit within its window.
{{ config(materialized='table') }}
with

units as (

    select *
    from {{ ref('int_ab_test_units_found') }}
    where is_counted

),

metrics as (

    select * from {{ ref('int_ab_test_metrics_listed') }}

),

data_until as (

    select data_until_at from {{ ref('int_data_until_measured') }}

),

sessions as (

    select
        test_name,
        phase,
        unit_key,
        count(case when not is_before_exposure then 1 end) as session_count,
        count(case when is_before_exposure then 1 end) as covariate_session_count,
        bool_and(is_closed or is_before_exposure) as is_closed
    from {{ ref('int_ab_test_conversations_windowed') }}
    group by test_name, phase, unit_key

),

outcomes as (

    select
        test_name, phase, unit_key, metric, outcome, covariate, first_converted_at,
        cast(null as bigint) as session_count, cast(null as bigint) as covariate_session_count
    from {{ ref('int_ab_test_goals_windowed') }}
    union all
    select
        test_name, phase, unit_key, metric, outcome, covariate, first_converted_at, session_count, covariate_session_count
    from {{ ref('int_ab_test_facts_windowed') }}

),

outcomes_measured as (

    select
        units.test_name,
        units.phase,
        metrics.metric,
        units.unit_key,
        units.variant,
        units.exposure_date,
        -- No conversion is 0, and so is a fact that is not true; a number nobody measured stays unknown.
        case
            when metrics.metric_type = 'conversion' or metrics.metric like 'value:%' then coalesce(outcomes.outcome, 0.0)
            else outcomes.outcome
        end as outcome,
        cast(coalesce(outcomes.session_count, sessions.session_count, 1) as double) as session_count,
        -- Of who was never here before nothing is known, and nothing is to be corrected by it.
        coalesce(outcomes.covariate, 0.0) as covariate,
        cast(coalesce(outcomes.covariate_session_count, sessions.covariate_session_count, 0) as double) as covariate_session_count,
        outcomes.first_converted_at,
        units.window_ends_at <= data_until.data_until_at
        and (metrics.metric like 'conversion%' or metrics.metric like 'value:%' or coalesce(sessions.is_closed, true)) as is_mature
    from units
    inner join metrics on units.test_name = metrics.test_name and units.phase = metrics.phase
    cross join data_until
    left join sessions
        on units.test_name = sessions.test_name and units.phase = sessions.phase and units.unit_key = sessions.unit_key
    left join outcomes
        on
            units.test_name = outcomes.test_name and units.phase = outcomes.phase
            and units.unit_key = outcomes.unit_key and metrics.metric = outcomes.metric

)

select * from outcomes_measured
