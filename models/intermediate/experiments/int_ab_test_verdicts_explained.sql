-- One row per test, phase, metric, segment and planned variant: its result, the verdict and a sentence that says why.
{{ config(materialized='table') }}
with

worded as (

    select * from {{ ref('int_ab_test_verdicts_worded') }}

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
            when verdict = 'insufficient data: horizon over'
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
    from worded

)

select * from verdicts_explained
