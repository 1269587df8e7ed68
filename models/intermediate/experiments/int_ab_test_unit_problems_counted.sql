-- One row per test, phase and thing that can be wrong with units or their exposures: how many it is true of.
with

counted as (

    select *, counted_units + ambiguous_units + unknown_variant_units as all_units
    from {{ ref('int_ab_test_units_counted') }}

),

units as (

    select * from {{ ref('int_ab_test_units_found') }}

),

tests as (

    select distinct test_name, randomization_unit
    from {{ ref('int_ab_tests_listed') }}

),

exposures as (

    select exposures.*, tests.randomization_unit
    from {{ ref('ab_test_exposures') }} as exposures
    inner join tests on exposures.test_name = tests.test_name

),

users_of_sessions as (

    select test_name, id_namespace, user_id, count(distinct variant) as variant_count
    from exposures
    where randomization_unit = 'session' and user_id is not null
    group by test_name, id_namespace, user_id

),

unit_problems_counted as (

    {% for name in ('repeated', 'contaminated', 'ambiguous', 'carried_over', 'unknown_variant', 'assignment_mismatch', 'other_tests') -%}
    {%- set column = 'units_in_other_tests' if name == 'other_tests' else name ~ '_units' -%}
    select test_name, phase, '{{ name }}' as check_name, {{ column }} as affected_count, all_units as total_count
    from counted
    union all
    {% endfor -%}
    select
        test_name, null as phase, 'before_start' as check_name,
        count(case when is_before_start then 1 end) as affected_count, count(*) as total_count
    from units
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

)

select * from unit_problems_counted
