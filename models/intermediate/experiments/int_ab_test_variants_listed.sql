-- One row per test, phase and variant that is planned or was seen: its share of the units, and whether it is the control.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

places as (

    {{ integer_series(1, 16, 'place') }}

),

planned as (

    select
        registered.test_name,
        registered.phase,
        split_part(registered.variants, '|', cast(places.place as integer)) as variant,
        cast(split_part(registered.weights, '|', cast(places.place as integer)) as double) as weight,
        places.place
    from {{ ref('ab_tests') }} as registered
    inner join places on places.place <= length(registered.variants) - length(replace(registered.variants, '|', '')) + 1

),

seen as (

    select distinct exposures.test_name, tests.phase, exposures.variant, tests.is_registered
    from {{ ref('ab_test_exposures') }} as exposures
    inner join tests on exposures.test_name = tests.test_name
    where exposures.variant is not null

),

variants as (

    select
        test_name,
        phase,
        variant,
        weight / sum(weight) over (
            partition by test_name, phase order by place rows between unbounded preceding and unbounded following
        ) as weight,
        place,
        true as is_planned
    from planned
    union all
    -- A test without a registration has no planned weights: all variants get the same weight.
    select
        test_name,
        phase,
        variant,
        1.0 / count(*) over (partition by test_name) as weight,
        row_number() over (partition by test_name order by variant) as place,
        true as is_planned
    from seen
    where not is_registered
    union all
    select seen.test_name, seen.phase, seen.variant, 0.0 as weight, null as place, false as is_planned
    from seen
    where
        seen.is_registered
        and not exists (
            select 1 from planned
            where planned.test_name = seen.test_name and planned.phase = seen.phase and planned.variant = seen.variant
        )

),

variants_listed as (

    select variants.*, coalesce(variants.variant = tests.control_variant, false) as is_control
    from variants
    inner join tests on variants.test_name = tests.test_name and variants.phase = tests.phase

)

select * from variants_listed
