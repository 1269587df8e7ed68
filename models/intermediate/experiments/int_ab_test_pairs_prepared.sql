-- One row per test, phase, metric, segment and planned variant: its numbers next to the control's, and what is derived from them.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

controls as (

    -- A control is joined to every row but its own. A condition on one side alone would prevent a hash join.
    select *, not is_control as is_beside_control
    from {{ ref('int_ab_test_arms_estimated') }}
    where is_control

),

pairs_reported as (

    select
        comparisons.*,
        arms.look_date,
        coalesce(arms.exposed_units, 0) as mature_units,
        coalesce(arms.unit_count, 0) as unit_count,
        coalesce(arms.sum_m, 0) as session_count,
        coalesce(arms.converted_units, 0) as converted_units,
        arms.sum_y,
        arms.estimate,
        arms.estimate_variance,
        arms.outcome_variance,
        controls.exposed_units as control_mature_units,
        coalesce(controls.unit_count, 0) as control_unit_count,
        controls.sum_m as control_session_count,
        coalesce(controls.converted_units, 0) as control_converted_units,
        controls.sum_y as control_sum_y,
        controls.estimate as control_estimate,
        controls.estimate_variance as control_estimate_variance,
        controls.outcome_variance as control_outcome_variance,
        looks.abs_diff,
        looks.std_error,
        looks.z,
        looks.information_fraction,
        looks.log_e,
        looks.sequential_p_value,
        looks.sequential_p_holm,
        looks.half_width,
        looks.first_significant_date,
        looks.first_significant_diff as evident_diff,
        coalesce(case when comparisons.is_control then arms.has_min_sample else looks.has_min_sample end, false) as has_min_sample,
        coalesce(
            comparisons.method = 'group_sequential' and arms.unit_count + controls.unit_count >= comparisons.planned_total, false
        ) as is_frozen
    from {{ ref('int_ab_test_comparisons_listed') }} as comparisons
    left join {{ ref('int_ab_test_arms_reported') }} as arms
        on comparisons.comparison_key = arms.comparison_key and comparisons.variant = arms.variant
    left join {{ ref('int_ab_test_looks_adjusted') }} as looks
        on arms.comparison_key = looks.comparison_key and arms.variant = looks.variant and arms.look_date = looks.look_date
    left join controls
        on
            arms.comparison_key = controls.comparison_key and arms.look_date = controls.look_date
            and arms.is_control = controls.is_beside_control

),

prepared as (

    select
        *,
        -- A conversation converts or not; a user has a share of conversations that convert.
        metric_type = 'conversion' and randomization_unit = 'session' as is_share,
        (sum_y + control_sum_y) / nullif(session_count + control_session_count, 0) as pooled_rate,
        1.0 / nullif(unit_count, 0) + 1.0 / nullif(control_unit_count, 0) as units_inverted,
        1.0 / nullif(mature_units, 0) + 1.0 / nullif(control_mature_units, 0) as mature_units_inverted,
        -- Welch and Satterthwaite.
        (estimate_variance + control_estimate_variance) * (estimate_variance + control_estimate_variance)
        / nullif(
            estimate_variance * estimate_variance / nullif(unit_count - 1, 0)
            + control_estimate_variance * control_estimate_variance / nullif(control_unit_count - 1, 0), 0
        ) as degrees_of_freedom,
        1.0 - cast(unit_count as double) / nullif(mature_units, 0) as missing_share,
        1.0 - cast(control_unit_count as double) / nullif(control_mature_units, 0) as control_missing_share,
        1.0 - cast(unit_count + control_unit_count as double) / nullif(mature_units + control_mature_units, 0) as pooled_missing_share
    from pairs_reported

),

pairs_tested as (

    select
        *,
        case when is_share then abs_diff / nullif(sqrt(pooled_rate * (1 - pooled_rate) * units_inverted), 0) end as z_pooled,
        case when metric_type = 'engagement' and randomization_unit = 'session' then degrees_of_freedom end as welch_degrees_of_freedom,
        (missing_share - control_missing_share)
        / nullif(sqrt(pooled_missing_share * (1 - pooled_missing_share) * mature_units_inverted), 0) as missing_z,
        -- The quantile of the normal, or of t where a mean of few units is compared.
        case
            when metric_type = 'engagement' and randomization_unit = 'session' then {{ t_quantile_975('degrees_of_freedom') }}
            else 1.959963984540054
        end as fixed_quantile,
        case when method = 'group_sequential' then 1.0 else 1.75 end as look_cost,
        case when method = 'group_sequential' then 2.241402727604947 else 1.959963984540054 end as planning_quantile,
        case
            when metric_type = 'conversion' then control_estimate * (1 - control_estimate)
            else control_outcome_variance
        end as control_unit_variance,
        case
            when metric_type <> 'conversion' then outcome_variance
            -- The least of 1 and null would be 1.
            when control_estimate is not null
                then least(1.0, control_estimate + mde_abs) * (1 - least(1.0, control_estimate + mde_abs))
        end as treatment_unit_variance
    from prepared

),

pairs_prepared as (

    select
        *,
        -- The z value with the same probability under the normal distribution: with few degrees of freedom Student's t applies.
        case
            when welch_degrees_of_freedom is not null then {{ t_as_normal('z', 'welch_degrees_of_freedom') }}
            else coalesce(z_pooled, case when randomization_unit = 'user' then z end)
        end as fixed_deviate
    from pairs_tested

)

select * from pairs_prepared
