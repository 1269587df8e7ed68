-- One row per UTC date of exposure whose sums this run states anew.
{{ config(materialized='table') }}
with

touched as (

    select unit_key, exposure_date
    from {{ ref('int_ab_test_units_touched') }}

),

dates_touched as (

    select exposure_date from touched
    union
    select units.exposure_date
    from {{ ref('int_ab_test_units_found') }} as units
    inner join touched on units.unit_key = touched.unit_key

)

select exposure_date from dates_touched
where exposure_date is not null
