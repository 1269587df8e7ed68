-- One row per test and unit exposed to it: the phase and variant of its first exposure, and what speaks against counting it.
{{ config(materialized='table') }}
with

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

variants as (

    select * from {{ ref('int_ab_test_variants_listed') }}

),

units_placed as (

    -- The phase that had begun last; phases follow each other without a gap.
    select
        units.*,
        tests.phase,
        tests.ended_at,
        tests.window_hours,
        tests.assignment,
        tests.randomization_unit,
        tests.treatment_count + 1 as variant_count
    from {{ ref('int_ab_test_units_exposed') }} as units
    left join tests
        on
            units.test_name = tests.test_name
            and units.first_exposure_at >= coalesce(tests.started_at, timestamp '0001-01-01 00:00:00')
            and units.first_exposure_at < coalesce(tests.ended_at, timestamp '9999-01-01 00:00:00')

),

units_found as (

    select
        units.test_name,
        units.phase,
        units.unit_key,
        case when not units.is_ambiguous then units.variant end as variant,
        units.first_exposure_at,
        cast(units.first_exposure_at as date) as exposure_date,
        {{ add_hours('units.first_exposure_at', 'units.window_hours') }} as window_ends_at,
        units.first_conversation_key,
        units.is_ambiguous,
        -- A user is exposed again with each of her conversations.
        coalesce(
            units.randomization_unit = 'session' and units.exposure_count > 1
            and not units.is_ambiguous and units.other_variant_at is null, false
        ) as is_repeated,
        coalesce(
            not units.is_ambiguous and units.other_variant_at < coalesce(units.ended_at, timestamp '9999-01-01'), false
        ) as is_contaminated,
        coalesce(units.last_exposure_at >= units.ended_at, false) as is_carried_over,
        units.phase is null as is_before_start,
        units.phase is not null and variants.variant is null and not units.is_ambiguous as is_unknown_variant,
        coalesce(
            units.assignment = 'sha256_mod'
            and variants.place - 1 <> {{ sha256_modulo("(units.test_name || ':' || units.assignment_key)", 'units.variant_count') }},
            false
        ) as is_assignment_mismatch,
        not units.is_ambiguous and variants.variant is not null as is_counted
    from units_placed as units
    left join variants
        on
            units.test_name = variants.test_name and units.phase = variants.phase
            and units.variant = variants.variant and variants.is_planned

)

select * from units_found
