-- One row per test, phase, metric, segment and planned variant: what its intervals and sample sizes are made of.
{{ config(materialized='table') }}
with

pairs as (

    select * from {{ ref('int_ab_test_pairs_reported') }}

),

prepared as (

    select
        *,
        -- Of conversations each converts or not; of users each has a share of conversations that do.
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
    from pairs

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
        case when method = 'horizon' then 1.0 else 1.75 end as look_cost,
        case when method = 'horizon' then 2.241402727604947 else 1.959963984540054 end as planning_quantile,
        case
            when metric_type = 'conversion' then control_estimate * (1 - control_estimate)
            else control_outcome_variance
        end as control_unit_variance,
        case
            when metric_type <> 'conversion' then outcome_variance
            -- The least of 1 and nothing would be 1.
            when control_estimate is not null
                then least(1.0, control_estimate + mde_abs) * (1 - least(1.0, control_estimate + mde_abs))
        end as treatment_unit_variance
    from prepared

),

pairs_prepared as (

    select
        *,
        -- What is as unlikely under the normal distribution: few degrees of freedom have a distribution of their own.
        case
            when welch_degrees_of_freedom is not null then {{ t_as_normal('z', 'welch_degrees_of_freedom') }}
            else coalesce(z_pooled, case when randomization_unit = 'user' then z end)
        end as fixed_deviate
    from pairs_tested

)

select * from pairs_prepared
