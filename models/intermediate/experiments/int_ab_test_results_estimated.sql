-- One row per test, phase, metric, segment and planned variant: the numbers of the variant, and its difference to the control.
with

-- CUPED (Deng et al. 2013) for ratios: a user's outcome is y - estimate m, the covariate is x - covariate_ratio n.
-- A user without a past has the covariate 0, which is its mean: such a user is neither corrected nor left out.
user_arms as (

    select *, sum(sum_x) over look / nullif(sum(sum_n) over look, 0) as covariate_ratio
    from {{ ref('int_ab_test_arms_estimated') }}
    where randomization_unit = 'user'
    window look as (
        partition by comparison_key, look_date
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
    from user_arms

),

pooled as (

    select
        *,
        sum((unit_count - 1) * outcome_covariance) over look as pooled_covariance,
        sum((unit_count - 1) * covariate_variance) over look as pooled_variance,
        sum(sum_xx) over look as pooled_square
    from covariates
    window look as (
        partition by comparison_key, look_date
        order by variant rows between unbounded preceding and unbounded following
    )

),

-- A variance that is only a rounding error makes no covariate.
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
        treatment.comparison_key,
        treatment.look_date,
        treatment.variant,
        treatment.theta as cuped_theta,
        treatment.adjusted_estimate - control.adjusted_estimate as cuped_abs_diff,
        nullif(sqrt(greatest(0.0, treatment.adjusted_variance + control.adjusted_variance)), 0) as cuped_std_error
    from adjusted as treatment
    inner join adjusted as control
        on treatment.comparison_key = control.comparison_key and treatment.look_date = control.look_date and control.is_control
    where not treatment.is_control and treatment.theta is not null

),

pairs as (

    select pairs.*, cuped.cuped_theta, cuped.cuped_abs_diff, cuped.cuped_std_error
    from {{ ref('int_ab_test_pairs_prepared') }} as pairs
    left join cuped_estimated as cuped
        on pairs.comparison_key = cuped.comparison_key and pairs.look_date = cuped.look_date and pairs.variant = cuped.variant

),

results_estimated as (

    select
        *,
        case when is_share then {{ wilson_low('converted_units', 'unit_count') }} end as wilson_low,
        case when is_share then {{ wilson_high('converted_units', 'unit_count') }} end as wilson_high,
        case
            when is_control then null
            when welch_degrees_of_freedom <= 20 then {{ t_of_few_two_sided_p('z', 'welch_degrees_of_freedom') }}
            else {{ normal_two_sided_p('fixed_deviate') }}
        end as fixed_p_value,
        case
            when is_share
                then {{ newcombe_low('control_sum_y', 'control_unit_count', 'sum_y', 'unit_count') }}
            else abs_diff - fixed_quantile * std_error
        end as fixed_ci_low,
        case
            when is_share
                then {{ newcombe_high('control_sum_y', 'control_unit_count', 'sum_y', 'unit_count') }}
            else abs_diff + fixed_quantile * std_error
        end as fixed_ci_high,
        abs_diff / nullif(control_estimate, 0) as rel_lift,
        abs_diff - half_width as ci_low,
        abs_diff + half_width as ci_high,
        -- The same width per standard error as the interval of abs_diff: this interval stays valid under repeated looks too.
        cuped_abs_diff - half_width * cuped_std_error / std_error as cuped_ci_low,
        cuped_abs_diff + half_width * cuped_std_error / std_error as cuped_ci_high,
        1.0 - (cuped_std_error / std_error) * (cuped_std_error / std_error) as cuped_variance_reduction,
        cast(ceil(
            look_cost * (planning_quantile + 0.8416212335729143) * (planning_quantile + 0.8416212335729143)
            * (control_unit_variance + treatment_unit_variance) / nullif(mde_abs * mde_abs, 0)
        ) as bigint) as required_n_per_variant,
        sqrt(look_cost) * (planning_quantile + 0.8416212335729143) * std_error as detectable_diff_now,
        coalesce({{ normal_two_sided_p('missing_z') }} < 0.001, false) as is_selectively_missing
    from pairs

)

select * from results_estimated
