-- One row per test and phase: its units, and how many of them something speaks against.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

units as (

    select * from {{ ref('int_ab_test_units_found') }}
    where phase is not null

),

tests_of_unit as (

    select unit_key, count(distinct test_name) as test_count
    from units
    where is_counted
    group by unit_key

),

units_counted as (

    select
        units.test_name,
        units.phase,
        count(case when units.is_counted then 1 end) as counted_units,
        count(case when units.is_contaminated then 1 end) as contaminated_units,
        count(case when units.is_ambiguous then 1 end) as ambiguous_units,
        count(case when units.is_repeated then 1 end) as repeated_units,
        count(case when units.is_carried_over then 1 end) as carried_over_units,
        count(case when units.is_unknown_variant then 1 end) as unknown_variant_units,
        cast({{ count_among("units.is_assignment_mismatch is not null", "units.is_counted and units.is_assignment_mismatch") }} as bigint)
            as assignment_mismatch_units,
        count(case when units.is_counted and tests_of_unit.test_count > 1 then 1 end) as units_in_other_tests,
        count(case when units.is_contaminated or units.is_ambiguous then 1 end) >= 10
        and count(case when units.is_contaminated or units.is_ambiguous then 1 end)
        > 0.01 * count(case when units.is_counted or units.is_ambiguous then 1 end) as is_contaminated
    from units
    left join tests_of_unit on units.unit_key = tests_of_unit.unit_key
    group by units.test_name, units.phase

)

select * from units_counted
