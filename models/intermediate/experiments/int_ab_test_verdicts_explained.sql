-- One row per test, phase, metric, segment and planned variant: its result, the verdict and a sentence with the reason.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

-- Everything that the trust in a result depends on.
diagnostics_joined as (

    select
        results.*,
        data_until.data_until_at as as_of,
        units.exposed_units,
        units.control_exposed_units,
        units.first_exposure_at,
        units.last_exposure_at,
        sample_ratios.srm_p_value,
        sample_ratios.srm_chi2_p,
        coalesce(counted.contaminated_units, 0) as contaminated_units,
        coalesce(counted.ambiguous_units, 0) as ambiguous_units,
        coalesce(counted.carried_over_units, 0) as carried_over_units,
        counted.assignment_mismatch_units,
        coalesce(counted.counted_units + counted.ambiguous_units, 0) as all_units,
        harms.harm_since_date is not null as harm_alert,
        coalesce(sample_ratios.is_mismatch, false) as has_sample_ratio_mismatch,
        coalesce(counted.is_contaminated, false) as is_contaminated,
        (results.abs_diff > 0) = results.is_higher_better as is_better
    from {{ ref('int_ab_test_results_estimated') }} as results
    cross join {{ ref('int_data_until_measured') }} as data_until
    inner join {{ ref('int_ab_test_variant_units_counted') }} as units
        on results.test_name = units.test_name and results.phase = units.phase and results.variant = units.variant
    left join {{ ref('int_ab_test_sample_ratios_tested') }} as sample_ratios
        on results.test_name = sample_ratios.test_name and results.phase = sample_ratios.phase and sample_ratios.is_newest
    left join {{ ref('int_ab_test_units_counted') }} as counted on results.test_name = counted.test_name and results.phase = counted.phase
    left join {{ ref('int_ab_test_harms_tested') }} as harms
        on results.comparison_key = harms.comparison_key and results.variant = harms.variant

),

-- The first of the list that holds.
verdicts_decided as (

    select
        *,
        case
            when is_control then null
            when control_variant is null or least(exposed_units, control_exposed_units) = 0 then 'no comparison'
            when has_sample_ratio_mismatch then 'invalid: sample ratio mismatch'
            when is_contaminated then 'invalid: contaminated'
            when is_selectively_missing then 'invalid: selective missingness'
            when not has_min_sample and is_frozen then 'insufficient data: planned sample reached'
            when not has_min_sample then 'insufficient data'
            when sign(abs_diff) <> sign(evident_diff) then 'inconclusive: effect reversed'
            when evident_diff is not null and is_better then 'significant: treatment better'
            when evident_diff is not null then 'significant: treatment worse'
            when test_kind = 'prompt' and least(unit_count, control_unit_count) < 1000 then 'inconclusive'
            when is_frozen then 'no significant difference'
            when method = 'msprt' and ci_low > -mde_abs and ci_high < mde_abs then 'no meaningful difference'
            else 'inconclusive'
        end as verdict
    from diagnostics_joined

),

verdicts_measured as (

    select
        *,
        metric_type = 'conversion' as is_rate,
        case when metric_type = 'conversion' then 100 else 500 end as min_required,
        case when metric_type = 'conversion' then converted_units else unit_count end as sample,
        case when metric_type = 'conversion' then control_converted_units else control_unit_count end as control_sample,
        case when metric_type = 'conversion' then 'conversions' else 'units' end as sample_unit
    from verdicts_decided

),

verdicts_phrased as (

    select
        *,
        variant || ' has ' || {{ amount_text('estimate', 'is_rate', ' %') }} || ' against '
        || {{ amount_text('control_estimate', 'is_rate', ' %') }} || ' of ' || control_variant as comparison_text,
        variant || ' has ' || sample || ' and ' || control_variant || ' ' || control_sample || ' ' || sample_unit as sample_text,
        coalesce(
            'between ' || {{ amount_text('ci_low', 'is_rate', '') }} || ' and ' || {{ amount_text('ci_high', 'is_rate', '') }}
            || case when is_rate then ' points' else '' end,
            'in no interval that could be told, as the units of a variant are all alike'
        ) as interval_text,
        {{ number_text('100.0 * missing_share', 1) }} || ' %' as missing_text,
        {{ number_text('100.0 * control_missing_share', 1) }} || ' %' as control_missing_text
    from verdicts_measured

),

verdicts_explained as (

    select
        *,
        case
            when verdict = 'no comparison' and control_variant is null
                then
                    'Nobody said which variant is the control: register the test, send is_control with one variant''s '
                    || 'exposures, or name it control.'
            when verdict = 'no comparison' and exposed_units = 0
                then 'No unit was exposed to ' || variant || ': there is nothing to compare.'
            when verdict = 'no comparison'
                then 'No unit was exposed to ' || control_variant || ', the control: there is nothing to compare with.'
            when verdict = 'invalid: sample ratio mismatch'
                then
                    'The units do not fall to the variants as planned: ' || exposed_units || ' to ' || variant || ', '
                    || control_exposed_units || ' to ' || control_variant
                    || '. Something loses or misplaces them; find it before reading any difference.'
            when verdict = 'invalid: contaminated'
                then
                    (contaminated_units + ambiguous_units) || ' of ' || all_units
                    || ' units saw more than one variant: the groups are mixed. Assign each unit once.'
            when verdict = 'invalid: selective missingness'
                then
                    'The metric is missing for ' || missing_text || ' of ' || variant || ' and ' || control_missing_text || ' of '
                    || control_variant || ': who is left can no longer be compared.'
            when verdict = 'insufficient data' and look_date is null
                then 'No day of exposures has passed its window of ' || window_hours || ' hours yet.'
            when verdict = 'insufficient data'
                then sample_text || ' of the ' || min_required || ' that each needs.'
            when verdict = 'insufficient data: planned sample reached'
                then 'All planned units are in. ' || sample_text || ' of the ' || min_required || ' that each needs: plan a larger test.'
            when verdict = 'inconclusive: effect reversed'
                then 'What was significant on ' || first_significant_date || ' went the other way: now ' || comparison_text || '.'
            when verdict like 'significant%'
                then
                    comparison_text || '; the difference is ' || interval_text || ' however often one looks, since '
                    || first_significant_date || '.'
            when verdict = 'no significant difference'
                then
                    'All planned units are in. ' || comparison_text || ': chance alone makes such a difference; it lies '
                    || interval_text || '.'
            when verdict = 'no meaningful difference'
                then 'The difference lies ' || interval_text || ': in no case as large as the one that would matter.'
            when verdict = 'inconclusive' and test_kind = 'prompt' and least(unit_count, control_unit_count) < 1000
                then
                    comparison_text || '; the difference lies ' || interval_text
                    || '. A prompt test needs 1000 units in each variant before it may say that there is none.'
            when verdict = 'inconclusive'
                then
                    comparison_text || '; the difference lies ' || interval_text || ' and may be none.' || coalesce(
                        ' About ' || required_n_per_variant || ' units in each variant would show the one that matters.', ''
                    )
        end || case
            when harm_alert then ' Units of ' || variant || ' convert so much worse that it does harm: think of stopping it.'
            else ''
        end as verdict_reason
    from verdicts_phrased

)

select * from verdicts_explained
