-- One row per test, phase, metric, segment and planned variant: its numbers beside those of the control at the same look.
{{ config(materialized='ephemeral') }}
with

comparisons as (

    select * from {{ ref('int_ab_test_comparisons_listed') }}

),

arms as (

    select * from {{ ref('int_ab_test_arms_reported') }}

),

controls as (

    -- A control is beside everything but itself; a condition on one side alone would cost the join its hash.
    select *, not is_control as is_beside_control
    from {{ ref('int_ab_test_arms_estimated') }}
    where is_control

),

looks as (

    select * from {{ ref('int_ab_test_looks_adjusted') }}

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
        coalesce(case when comparisons.is_control then arms.has_min_sample else looks.has_min_sample end, false) as has_min_sample,
        coalesce(
            comparisons.method = 'horizon' and arms.unit_count + controls.unit_count >= comparisons.planned_total, false
        ) as is_frozen
    from comparisons
    left join arms
        on
            comparisons.test_name = arms.test_name and comparisons.phase = arms.phase and comparisons.metric = arms.metric
            and comparisons.segment = arms.segment and comparisons.variant = arms.variant
    left join looks
        on
            arms.test_name = looks.test_name and arms.phase = looks.phase and arms.metric = looks.metric
            and arms.segment = looks.segment and arms.variant = looks.variant and arms.look_date = looks.look_date
    left join controls
        on
            arms.test_name = controls.test_name and arms.phase = controls.phase and arms.metric = controls.metric
            and arms.segment = controls.segment and arms.look_date = controls.look_date and arms.is_control = controls.is_beside_control

)

select * from pairs_reported
