-- One row per month, segment and counted unit (opportunity, visitor_day, visitor): of how many the widget was used.
{{ replace_touched('int_dates_touched', key='month') }}
with

-- A visitor used the widget if any of her widgets in the segment was used, and is ignored for good once all are a day old.
units as (

    select 'opportunity' as counted_unit, month, segment_type, segment_value, is_engaged, is_mature
    from {{ ref('int_widgets_listed') }}
    union all
    select
        'visitor_day' as counted_unit, month, segment_type, segment_value,
        bool_or(is_engaged) as is_engaged, bool_and(is_mature) as is_mature
    from {{ ref('int_widgets_listed') }}
    where visitor_key is not null
    group by month, segment_type, segment_value, visitor_key, interaction_date
    union all
    select
        'visitor' as counted_unit, month, segment_type, segment_value,
        bool_or(is_engaged) as is_engaged, bool_and(is_mature) as is_mature
    from {{ ref('int_widgets_listed') }}
    where visitor_key is not null
    group by month, segment_type, segment_value, visitor_key

),

units_counted as (

    select
        month,
        case when segment_type = 'all' then 'all' else segment_type || '=' || segment_value end as segment,
        segment_type,
        segment_value,
        counted_unit,
        count(*) as unit_count,
        count(case when is_engaged then 1 end) as engaged_count,
        count(case when is_mature then 1 end) as mature_count,
        count(case when is_mature and not is_engaged then 1 end) as ignored_count
    from units
    group by month, segment_type, segment_value, counted_unit

),

rates_estimated as (

    select
        *,
        engaged_count / cast(unit_count as double) as interaction_rate,
        {{ wilson_low('engaged_count', 'unit_count') }} as interaction_rate_ci_low,
        {{ wilson_high('engaged_count', 'unit_count') }} as interaction_rate_ci_high,
        ignored_count / nullif(cast(mature_count as double), 0) as page_abandonment_rate,
        {{ wilson_low('ignored_count', 'mature_count') }} as page_abandonment_rate_ci_low,
        {{ wilson_high('ignored_count', 'mature_count') }} as page_abandonment_rate_ci_high
    from units_counted

)

select * from rates_estimated
