-- One row per test, phase, metric, segment and planned variant: its result and the verdict, the first of the list that holds.
{{ config(materialized='ephemeral') }}
with

vouched as (

    select * from {{ ref('int_ab_test_results_vouched') }}

),

verdicts_decided as (

    select
        *,
        case
            when is_control then null
            when control_variant is null or least(exposed_units, control_exposed_units) = 0 then 'no comparison'
            when has_sample_ratio_mismatch then 'invalid: sample ratio mismatch'
            when is_contaminated then 'invalid: contaminated'
            when is_selectively_missing then 'invalid: selective missingness'
            when not has_min_sample and is_frozen then 'insufficient data: horizon over'
            when not has_min_sample then 'insufficient data'
            when sign(abs_diff) <> sign(evident_diff) then 'inconclusive: effect reversed'
            when evident_diff is not null and is_better then 'significant: treatment better'
            when evident_diff is not null then 'significant: treatment worse'
            when test_kind = 'prompt' and least(unit_count, control_unit_count) < 1000 then 'inconclusive'
            when is_frozen then 'no significant difference'
            when method = 'anytime' and ci_low > -mde_abs and ci_high < mde_abs then 'no meaningful difference'
            else 'inconclusive'
        end as verdict
    from vouched

)

select * from verdicts_decided
