-- One row per rule and window that has matured: its value next to that of the equal window before, and whether the rule fires.
{{ config(materialized='table') }}
{#- One-sided bounds at 99.5 %: at the threshold itself one evaluation in 200 fires. -#}
{%- set z = '2.5758293035489004' %}
with

estimated as (

    select
        *,
        numerator / nullif(denominator, 0) as value,
        case kind when 'ratio' then coalesce(cluster_count, 0) else coalesce(denominator, 0) end as sample_size
    from {{ ref('int_alert_windows_summed') }}

),

windows as (

    select
        *,
        {{ squared_error() }} as squared_error
    from estimated

),

pairs as (

    select
        windows.*,
        before.value as value_before,
        before.sample_size as sample_size_before,
        before.numerator as numerator_before,
        before.denominator as denominator_before,
        before.squared_error as squared_error_before,
        windows.condition in ('drops_by', 'rises_by') as is_change
    from windows
    left join windows as before on windows.rule = before.rule and windows.window_start_at = before.window_end_at

),

bounds as (

    select
        *,
        case when is_change then value - value_before else value end as measured,
        case
            when is_change and kind = 'rate'
                then {{ newcombe_low('numerator_before', 'denominator_before', 'numerator', 'denominator', z) }}
            when is_change then value - value_before - {{ z }} * sqrt(squared_error + squared_error_before)
            when kind = 'rate' then {{ wilson_low('numerator', 'denominator', z) }}
            else value - {{ z }} * sqrt(squared_error)
        end as measured_low,
        case
            when is_change and kind = 'rate'
                then {{ newcombe_high('numerator_before', 'denominator_before', 'numerator', 'denominator', z) }}
            when is_change then value - value_before + {{ z }} * sqrt(squared_error + squared_error_before)
            when kind = 'rate' then {{ wilson_high('numerator', 'denominator', z) }}
            else value + {{ z }} * sqrt(squared_error)
        end as measured_high,
        sample_size >= minimum_sample and (not is_change or coalesce(sample_size_before >= minimum_sample, false)) as is_sample_sufficient
    from pairs

),

windows_judged as (

    select
        *,
        is_sample_sufficient and coalesce(
            case condition
                when 'drops_below' then measured_high < threshold
                when 'exceeds' then measured_low > threshold
                when 'drops_by' then measured_high < -threshold
                when 'rises_by' then measured_low > threshold
            end, false
        ) as is_firing,
        -- Between firing and recovered nothing changes: an alert does not flap around its threshold.
        is_sample_sufficient and coalesce(
            case condition
                when 'drops_below' then measured >= threshold
                when 'exceeds' then measured <= threshold
                when 'drops_by' then measured >= -threshold
                when 'rises_by' then measured <= threshold
            end, false
        ) as is_recovered
    from bounds

)

select * from windows_judged
