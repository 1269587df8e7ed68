-- A number outside its own interval, or an interval with one end. The tolerance is for the last digits of doubles.
{{ config(meta={'dagster': {'ref': {'name': 'metrics_daily'}}}) }}
with

intervals as (

    select 'metrics_daily' as table_name, date, segment, metric_name as item, value, ci_low, ci_high
    from {{ ref('metrics_daily') }}
    union all
    select 'metrics_hourly' as table_name, date, segment, metric_name as item, value, ci_low, ci_high
    from {{ ref('metrics_hourly') }}
    union all
    select
        'funnel_stages' as table_name, date, segment, stage as item,
        rate_of_entered as value, rate_of_entered_ci_low as ci_low, rate_of_entered_ci_high as ci_high
    from {{ ref('funnel_stages_by_date') }}
    union all
    select
        'funnel_stages' as table_name, date, segment, stage as item,
        step_rate as value, step_rate_ci_low as ci_low, step_rate_ci_high as ci_high
    from {{ ref('funnel_stages_by_date') }}
    union all
    select
        'dropoff_by_turn' as table_name, date, segment, cast(turn as {{ dbt.type_string() }}) as item,
        hazard as value, hazard_ci_low as ci_low, hazard_ci_high as ci_high
    from {{ ref('dropoff_by_turn') }}

)

select *
from intervals
where
    (
        ci_low > value + 1e-9
        or ci_high < value - 1e-9
        or (ci_low is null) <> (ci_high is null)
        or (value is null and ci_low is not null)
    )
    and {{ only_built(ref('int_dates_affected'), 'date') }}
