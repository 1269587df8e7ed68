-- One row per test, phase, metric, segment, variant and UTC date of exposure: what the mature units first exposed on it add up to.
{{ config(materialized='table') }}
with

outcomes as (

    select *
    from {{ ref('int_ab_test_outcomes_measured') }}
    where is_mature

),

-- Segments times metrics would find something in every test: only the primary metric is taken apart.
outcomes_by_segment as (

    select outcomes.*, 'all' as segment
    from outcomes
    union all
    select outcomes.*, segments.segment
    from outcomes
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics
        on
            outcomes.test_name = metrics.test_name and outcomes.phase = metrics.phase
            and outcomes.metric = metrics.metric and metrics.is_primary
    inner join {{ ref('int_ab_test_segments_listed') }} as segments
        on
            outcomes.test_name = segments.test_name and outcomes.phase = segments.phase
            and outcomes.unit_key = segments.unit_key

),

outcomes_checked as (

    select *, coalesce(abs(outcome) < 1e10, false) as is_known
    from outcomes_by_segment

),

-- Decimals, because sums of doubles differ in their last digit from run to run and each run would publish a new version.
-- A unit whose outcome nobody measured adds to no sum, nor does one of an amount nobody pays: its square would not fit.
-- 19 digits: an engine may leave the product of two decimals of 18 no more than 18.
values_named as (

    select
        *,
        cast(case when is_known then outcome end as decimal(19, 6)) as y,
        cast(case when is_known then session_count end as decimal(19, 6)) as m,
        cast(case when is_known then least(1e10, greatest(-1e10, covariate)) end as decimal(19, 6)) as x,
        cast(case when is_known then covariate_session_count end as decimal(19, 6)) as n
    from outcomes_checked

),

dates_summed as (

    select
        test_name,
        phase,
        metric,
        segment,
        variant,
        exposure_date,
        count(*) as exposed_units,
        count(y) as unit_count,
        count(case when y > 0 then 1 end) as converted_units,
        {{ sums_of_units('sum(PRODUCT)') }}
    from values_named
    group by test_name, phase, metric, segment, variant, exposure_date

)

select * from dates_summed
