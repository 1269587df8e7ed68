-- One row per test, phase, metric, segment, look and planned variant: the estimate for the variant, and its variance.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

accumulated as (

    select * from {{ ref('int_ab_test_looks_accumulated') }}

),

metrics as (

    select * from {{ ref('int_ab_test_metrics_listed') }}

),

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

moments as (

    -- Sample variances with n - 1; a unit's sessions vary only where users are the units.
    select
        accumulated.*,
        metrics.metric_type,
        tests.randomization_unit,
        sum_y / nullif(sum_m, 0) as estimate,
        {{ sample_covariance('y', 'y') }} as outcome_variance,
        {{ sample_covariance('m', 'm') }} as session_variance,
        {{ sample_covariance('y', 'm') }} as covariance
    from accumulated
    inner join metrics
        on accumulated.test_name = metrics.test_name and accumulated.phase = metrics.phase and accumulated.metric = metrics.metric
    inner join tests on accumulated.test_name = tests.test_name and accumulated.phase = tests.phase

),

variances as (

    select
        *,
        case
            when randomization_unit = 'user'
                then
                    (outcome_variance - 2 * estimate * covariance + estimate * estimate * session_variance)
                    * unit_count / nullif(sum_m * sum_m, 0)
            when metric_type = 'conversion' then estimate * (1 - estimate) / nullif(unit_count, 0)
            else outcome_variance / nullif(unit_count, 0)
        end as variance
    from moments

),

arms_estimated as (

    select
        *,
        -- The variance of the estimate; rounding can turn a variance of 0 into a slightly negative one.
        case when variance is not null then greatest(0.0, variance) end as estimate_variance,
        case when metric_type = 'conversion' then converted_units >= 100 else unit_count >= 500 end as has_min_sample
    from variances

)

select * from arms_estimated
