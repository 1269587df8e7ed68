-- One row per test, phase and variant: the units that count for it, immature ones included.
{{ config(materialized='ephemeral') }}
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

)

select * from units_counted
