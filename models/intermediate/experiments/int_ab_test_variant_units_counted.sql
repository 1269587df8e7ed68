-- One row per test, phase and planned variant: the units that count for it, immature ones included, and those of the control.
with

units_counted as (

    select
        test_name,
        phase,
        variant,
        count(*) as exposed_units,
        min(first_exposure_at) as first_exposure_at,
        max(first_exposure_at) as last_exposure_at
    from {{ ref('int_ab_test_units_found') }}
    where is_counted
    group by test_name, phase, variant

),

variants_counted as (

    select
        variants.test_name,
        variants.phase,
        variants.variant,
        variants.weight,
        variants.is_control,
        coalesce(units_counted.exposed_units, 0) as exposed_units,
        units_counted.first_exposure_at,
        units_counted.last_exposure_at
    from {{ ref('int_ab_test_variants_listed') }} as variants
    left join units_counted
        on
            variants.test_name = units_counted.test_name and variants.phase = units_counted.phase
            and variants.variant = units_counted.variant
    where variants.is_planned

),

controls_counted as (

    select
        *,
        coalesce(max(case when is_control then exposed_units end) over (partition by test_name, phase), 0) as control_exposed_units
    from variants_counted

)

select * from controls_counted
