-- One row per test, phase and thing that can be wrong with its units, exposures or arms: how many it is true of.
with

counted as (

    select *, counted_units + ambiguous_units + unknown_variant_units as all_units
    from {{ ref('int_ab_test_units_counted') }}

),

randomization as (

    select distinct test_name, randomization_unit
    from {{ ref('int_ab_tests_listed') }}

),

exposures as (

    select exposures.*, tests.randomization_unit
    from {{ ref('ab_test_exposures') }} as exposures
    inner join randomization as tests on exposures.test_name = tests.test_name

),

users_of_sessions as (

    select test_name, id_namespace, user_id, count(distinct variant) as variant_count
    from exposures
    where randomization_unit = 'session' and user_id is not null
    group by test_name, id_namespace, user_id

),

results as (

    select *
    from {{ ref('int_ab_test_verdicts_explained') }}
    where segment = 'all' and is_primary

),

sample_ratios as (

    select *
    from {{ ref('int_ab_test_sample_ratios_tested') }}
    where is_newest

),

problems_counted as (

    {% for name in ('repeated', 'contaminated', 'ambiguous', 'carried_over', 'unknown_variant', 'assignment_mismatch', 'other_tests') -%}
    {%- set column = 'units_in_other_tests' if name == 'other_tests' else name ~ '_units' -%}
    select test_name, phase, '{{ name }}' as check_name, {{ column }} as affected_count, all_units as total_count
    from counted
    union all
    {% endfor -%}
    select
        test_name, null as phase, 'before_start' as check_name,
        count(case when is_before_start then 1 end) as affected_count, count(*) as total_count
    from {{ ref('int_ab_test_units_found') }}
    group by test_name
    union all
    select
        test_name, null as phase, 'null_user' as check_name,
        count(case when user_id is null then 1 end) as affected_count, count(*) as total_count
    from exposures
    where randomization_unit = 'user'
    group by test_name
    union all
    select
        test_name, null as phase, 'users_in_several_variants' as check_name,
        count(case when variant_count > 1 then 1 end) as affected_count, count(*) as total_count
    from users_of_sessions
    group by test_name
    union all
    select
        test_name, phase, 'empty_arm' as check_name,
        count(case when exposed_units = 0 and weight > 0 then 1 end) as affected_count, count(*) as total_count
    from {{ ref('int_ab_test_variant_units_counted') }}
    group by test_name, phase
    union all
    select
        test_name, phase, 'no_control' as check_name,
        case when count(case when is_control then 1 end) = 0 then count(*) else 0 end as affected_count, count(*) as total_count
    from {{ ref('int_ab_test_variant_units_counted') }}
    group by test_name, phase
    union all
    select
        test_name, phase, 'no_conversions' as check_name,
        count(case when metric_type = 'conversion' and mature_units > 0 and converted_units = 0 then 1 end) as affected_count,
        count(*) as total_count
    from results
    group by test_name, phase
    union all
    select
        test_name, phase, 'harm' as check_name,
        count(case when harm_alert then 1 end) as affected_count, count(*) as total_count
    from results
    where not is_control
    group by test_name, phase
    union all
    select
        test_name, phase, 'sample_ratio_mismatch' as check_name,
        case when is_mismatch then unit_count else 0 end as affected_count, unit_count as total_count
    from sample_ratios
    union all
    select
        test_name, phase, 'sample_ratio_unlikely' as check_name,
        case when srm_chi2_p < 0.001 and not is_mismatch then unit_count else 0 end as affected_count, unit_count as total_count
    from sample_ratios
    union all
    select
        test_name, phase, 'sample_ratio_uneven' as check_name,
        case when srm_chi2_p >= 0.001 and srm_chi2_p < 0.01 and not is_mismatch then unit_count else 0 end as affected_count,
        unit_count as total_count
    from sample_ratios

)

select * from problems_counted
