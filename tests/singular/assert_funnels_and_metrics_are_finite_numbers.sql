-- A NaN or an infinity in a published number. Both engines sort NaN above every number, so one comparison finds it too.
{{ config(meta={'dagster': {'ref': {'name': 'metrics_daily'}}}) }}
with

numbers as (

    select 'metrics_daily' as table_name, date, segment, metric_name as item, numerator + coalesce(denominator, 0) as number
    from {{ ref('metrics_daily') }}
    union all
    select 'metrics_daily' as table_name, date, segment, metric_name as item, value as number
    from {{ ref('metrics_daily') }}
    union all
    select 'metrics_daily' as table_name, date, segment, metric_name as item, ci_low as number
    from {{ ref('metrics_daily') }}
    union all
    select 'metrics_daily' as table_name, date, segment, metric_name as item, ci_high as number
    from {{ ref('metrics_daily') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, rate_of_entered as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, rate_of_entered_ci_low + rate_of_entered_ci_high as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, step_rate as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, step_rate_ci_low + step_rate_ci_high as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, reached_or_later_rate as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, conversion_rate as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, median_seconds_from_entry as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'funnel_stages' as table_name, date, segment, stage as item, median_seconds_from_previous as number
    from {{ ref('funnel_stages_by_date') }}
    union all
    select 'dropoff_by_turn' as table_name, date, segment, cast(turn as {{ dbt.type_string() }}) as item, hazard as number
    from {{ ref('dropoff_by_turn') }}
    union all
    select
        'dropoff_by_turn' as table_name, date, segment, cast(turn as {{ dbt.type_string() }}) as item,
        hazard_ci_low + hazard_ci_high as number
    from {{ ref('dropoff_by_turn') }}

)

select *
from numbers
where abs(number) > 1e300 and {{ only_built(ref('int_dates_affected'), 'date') }}
