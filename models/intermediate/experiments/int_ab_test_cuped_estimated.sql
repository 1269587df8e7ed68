-- One row per test of users, phase, metric, segment, look and treatment: its difference, corrected by what the users did before.
{{ config(materialized='ephemeral') }}
with

-- CUPED (Deng et al. 2013) for ratios: a user's outcome is y - estimate m, her covariate x - covariate_ratio n. Who was never
-- here before has the covariate 0, which is its mean: she is neither corrected nor left out.
arms as (

    select *, sum(sum_x) over look / nullif(sum(sum_n) over look, 0) as covariate_ratio
    from {{ ref('int_ab_test_arms_estimated') }}
    where randomization_unit = 'user'
    window look as (
        partition by test_name, phase, metric, segment, look_date
        order by variant rows between unbounded preceding and unbounded following
    )

),

covariates as (

    select
        *,
        (sum_x - covariate_ratio * sum_n) / nullif(unit_count, 0) as covariate_mean,
        {{ sample_covariance('x', 'x') }} - 2 * covariate_ratio * {{ sample_covariance('x', 'n') }}
        + covariate_ratio * covariate_ratio * {{ sample_covariance('n', 'n') }} as covariate_variance,
        (
            {{ sample_covariance('y', 'x') }} - covariate_ratio * {{ sample_covariance('y', 'n') }}
            - estimate * {{ sample_covariance('m', 'x') }} + estimate * covariate_ratio * {{ sample_covariance('m', 'n') }}
        ) * unit_count / nullif(sum_m, 0) as outcome_covariance
    from arms

),

pooled as (

    select
        *,
        sum((unit_count - 1) * outcome_covariance) over look as pooled_covariance,
        sum((unit_count - 1) * covariate_variance) over look as pooled_variance,
        sum(sum_xx) over look as pooled_square
    from covariates
    window look as (
        partition by test_name, phase, metric, segment, look_date
        order by variant rows between unbounded preceding and unbounded following
    )

),

-- What rounding leaves of no variance is no covariate.
thetas as (

    select *, case when pooled_variance > 1e-9 * pooled_square then pooled_covariance / pooled_variance end as theta
    from pooled

),

adjusted as (

    select
        *,
        estimate - theta * covariate_mean as adjusted_estimate,
        estimate_variance
        + (theta * theta * covariate_variance - 2 * theta * outcome_covariance) / nullif(unit_count, 0) as adjusted_variance
    from thetas

),

cuped_estimated as (

    select
        treatment.test_name,
        treatment.phase,
        treatment.metric,
        treatment.segment,
        treatment.look_date,
        treatment.variant,
        treatment.theta as cuped_theta,
        treatment.adjusted_estimate - control.adjusted_estimate as cuped_abs_diff,
        nullif(sqrt(greatest(0.0, treatment.adjusted_variance + control.adjusted_variance)), 0) as cuped_std_error
    from adjusted as treatment
    inner join adjusted as control
        on
            treatment.test_name = control.test_name and treatment.phase = control.phase
            and treatment.metric = control.metric and treatment.segment = control.segment
            and treatment.look_date = control.look_date and control.is_control
    where not treatment.is_control and treatment.theta is not null

)

select * from cuped_estimated
