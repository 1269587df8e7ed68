-- One row per alert that a rule of seeds/alert_rules.csv ever opened.
with

-- Windows that neither fire nor are recovered leave an alert as it is.
windows_that_decide as (

    select
        *,
        coalesce(lag(is_firing) over (partition by rule order by window_end_at), false) as was_firing,
        min(case when is_recovered then window_end_at end) over (
            partition by rule order by window_end_at rows between 1 following and unbounded following
        ) as recovered_at
    from {{ ref('int_alert_windows_judged') }}
    where is_firing or is_recovered

),

-- The window whose rule fired while no alert of the rule was open, and the recovery.
alerts_opened as (

    select
        *,
        coalesce(
            window_end_at < {{ add_hours('lag(window_end_at) over (partition by rule order by window_end_at)', 'cooldown_hours') }}, false
        ) as is_suppressed
    from windows_that_decide
    where is_firing and not was_firing

),

alerts_over_all as (

    select *
    from alerts_opened
    where segment = 'all'

),

segments_summed as (

    select
        alerts.rule,
        alerts.window_end_at,
        alerts.condition,
        alerts.denominator as denominator_of_alert,
        hours.segment,
        sum(case when hours.hour_at >= alerts.window_start_at then hours.numerator else 0 end) as numerator,
        sum(case when hours.hour_at >= alerts.window_start_at then hours.denominator else 0 end) as denominator,
        sum(case when hours.hour_at < alerts.window_start_at then hours.numerator else 0 end) as numerator_before,
        sum(case when hours.hour_at < alerts.window_start_at then hours.denominator else 0 end) as denominator_before
    from alerts_over_all as alerts
    inner join {{ ref('int_alert_hours_measured') }} as hours
        on
            alerts.metric_name = hours.metric_name and alerts.window_end_at > hours.hour_at
            and {{ add_hours('alerts.window_start_at', '-alerts.window_hours') }} <= hours.hour_at
    where hours.segment <> 'all'
    group by alerts.rule, alerts.window_end_at, alerts.condition, alerts.denominator, hours.segment

),

-- The change of the segment weighted by its share of the window: a large change of a small segment changes the total only a little.
segments_moved as (

    select
        *,
        cast(numerator as double) / cast(denominator as double) as value,
        cast(numerator_before as double) / cast(denominator_before as double) as value_before,
        cast(denominator as double) / denominator_of_alert as share
    from segments_summed
    where denominator > 0 and denominator_before > 0 and denominator_of_alert > 0

),

segments_ranked as (

    select
        *,
        row_number() over (
            partition by rule, window_end_at
            order by
                case when condition in ('drops_below', 'drops_by') then 1 else -1 end * share * (value - value_before), -share, segment
        ) as move_rank
    from segments_moved
    where (value < value_before) = (condition in ('drops_below', 'drops_by')) and value <> value_before

),

-- The segment with the largest change in the direction of an alert, where there is one.
causes_found as (

    select
        rule,
        window_end_at,
        segment as cause_segment,
        value as cause_value,
        value_before as cause_value_before,
        share as cause_share
    from segments_ranked
    where move_rank = 1

),

alerts as (

    select
        opened.rule || ':' || cast(opened.window_end_at as {{ dbt.type_string() }}) as alert_key,
        opened.rule,
        opened.metric_name,
        opened.segment,
        opened.severity,
        opened.condition,
        opened.threshold,
        opened.window_hours,
        opened.window_end_at as opened_at,
        opened.recovered_at as closed_at,
        opened.recovered_at is null as is_open,
        opened.is_suppressed,
        opened.value,
        opened.value_before,
        opened.measured_low,
        opened.measured_high,
        cast(opened.sample_size as bigint) as sample_size,
        opened.unit,
        causes.cause_segment,
        causes.cause_value,
        causes.cause_value_before,
        causes.cause_share
    from alerts_opened as opened
    left join causes_found as causes
        on opened.rule = causes.rule and opened.window_end_at = causes.window_end_at

)

select * from alerts
