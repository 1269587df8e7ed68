-- One row per test, phase, metric, segment and planned variant: its result, and all that speaks for and against trusting it.
{{ config(materialized='ephemeral') }}
with

results as (

    select * from {{ ref('int_ab_test_results_estimated') }}

),

units as (

    select * from {{ ref('int_ab_test_variant_units_counted') }}

),

sample_ratios as (

    select * from {{ ref('int_ab_test_sample_ratios_tested') }}

),

results_vouched as (

    select
        results.*,
        data_until.data_until_at as as_of,
        coalesce(units.exposed_units, 0) as exposed_units,
        coalesce(control_units.exposed_units, 0) as control_exposed_units,
        units.first_exposure_at,
        units.last_exposure_at,
        sample_ratios.srm_p_value,
        sample_ratios.srm_chi2_p,
        coalesce(counted.contaminated_units, 0) as contaminated_units,
        coalesce(counted.ambiguous_units, 0) as ambiguous_units,
        coalesce(counted.carried_over_units, 0) as carried_over_units,
        coalesce(counted.assignment_mismatch_units, 0) as assignment_mismatch_units,
        coalesce(counted.counted_units + counted.ambiguous_units, 0) as all_units,
        harms.harm_since_date is not null as harm_alert,
        coalesce(sample_ratios.is_mismatch, false) as has_sample_ratio_mismatch,
        coalesce(counted.is_contaminated, false) as is_contaminated,
        (results.abs_diff > 0) = results.is_higher_better as is_better,
        significant.evident_diff
    from results
    cross join {{ ref('int_data_until_measured') }} as data_until
    left join units on results.test_name = units.test_name and results.phase = units.phase and results.variant = units.variant
    left join units as control_units
        on
            results.test_name = control_units.test_name and results.phase = control_units.phase
            and results.control_variant = control_units.variant
    left join sample_ratios
        on results.test_name = sample_ratios.test_name and results.phase = sample_ratios.phase and sample_ratios.is_newest
    left join {{ ref('int_ab_test_units_counted') }} as counted on results.test_name = counted.test_name and results.phase = counted.phase
    left join {{ ref('int_ab_test_harms_tested') }} as harms
        on
            results.test_name = harms.test_name and results.phase = harms.phase and results.metric = harms.metric
            and results.segment = harms.segment and results.variant = harms.variant
    left join {{ ref('int_ab_test_looks_adjusted') }} as significant
        on
            results.test_name = significant.test_name and results.phase = significant.phase and results.metric = significant.metric
            and results.segment = significant.segment and results.variant = significant.variant
            and results.first_significant_date = significant.look_date

)

select * from results_vouched
