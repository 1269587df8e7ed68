-- One row per date of entry, funnel, segment and stage: who reached it, who got lost there, who may still come.
{{ config(alias='funnel_stages') }}{{ replace_touched('int_dates_touched', key='date') }}
with

stages_counted as (

    select * from {{ ref('int_funnel_stages_counted') }}

),

-- What nobody can see is unknown: the counts of an unmeasured stage are null, never 0.
stages_masked as (

    select
        date,
        funnel,
        segment,
        segment_type,
        segment_value,
        stage_order,
        stage,
        is_measured,
        entered,
        case when is_measured then entered_measured end as entered_measured,
        case when is_measured then reached end as reached,
        case when is_measured then reached_in_order end as reached_in_order,
        case when is_measured then reached_or_later end as reached_or_later,
        case when is_measured then reached_with_previous end as reached_with_previous,
        case when is_measured then previous_reached end as previous_reached,
        in_progress,
        lost,
        median_seconds_from_entry,
        median_seconds_from_previous,
        entered >= 500 as is_sample_sufficient
    from stages_counted

),

rates_added as (

    select
        *,
        reached / nullif(cast(entered_measured as double), 0) as rate_of_entered,
        {{ wilson_low('reached', 'entered_measured') }} as rate_of_entered_ci_low,
        {{ wilson_high('reached', 'entered_measured') }} as rate_of_entered_ci_high,
        reached_with_previous / nullif(cast(previous_reached as double), 0) as step_rate,
        {{ wilson_low('reached_with_previous', 'previous_reached') }} as step_rate_ci_low,
        {{ wilson_high('reached_with_previous', 'previous_reached') }} as step_rate_ci_high,
        reached_or_later / nullif(cast(entered as double), 0) as reached_or_later_rate,
        reached / nullif(cast(previous_reached as double), 0) as conversion_rate
    from stages_masked

)

select * from rates_added
