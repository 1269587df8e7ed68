-- One row per test, phase, metric, segment and planned variant: the numbers of the variant, and its difference to the control.
{{ config(materialized='ephemeral') }}
with

pairs as (

    select pairs.*, cuped.cuped_theta, cuped.cuped_abs_diff, cuped.cuped_std_error
    from {{ ref('int_ab_test_pairs_prepared') }} as pairs
    left join {{ ref('int_ab_test_cuped_estimated') }} as cuped
        on
            pairs.test_name = cuped.test_name and pairs.phase = cuped.phase and pairs.metric = cuped.metric
            and pairs.segment = cuped.segment and pairs.look_date = cuped.look_date and pairs.variant = cuped.variant

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
        -- As wide as the interval beside it for the same standard error: it stays true under repeated looks too.
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
