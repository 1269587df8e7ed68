-- One row per alert that a rule of seeds/alert_rules.csv ever opened.
with

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
        opened.is_quiet,
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
    from {{ ref('int_alerts_opened') }} as opened
    left join {{ ref('int_alert_causes_found') }} as causes
        on opened.rule = causes.rule and opened.window_end_at = causes.window_end_at

)

select * from alerts
