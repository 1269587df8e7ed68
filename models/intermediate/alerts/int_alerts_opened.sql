-- One row per alert: the window whose rule fired while none of it was open, and when it recovered.
{{ config(materialized='table') }}
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

alerts_opened as (

    select
        *,
        coalesce(
            window_end_at < {{ add_hours('lag(window_end_at) over (partition by rule order by window_end_at)', 'cooldown_hours') }}, false
        ) as is_quiet
    from windows_that_decide
    where is_firing and not was_firing

)

select * from alerts_opened
