-- One row per UTC date of exposure whose sums this run recomputes.
{{ config(materialized='table') }}
with

affected as (

    select unit_key, exposure_date
    from {{ ref('int_ab_test_units_affected') }}

),

dates_affected as (

    select exposure_date from affected
    union
    select units.exposure_date
    from {{ ref('int_ab_test_units_found') }} as units
    inner join affected on units.unit_key = affected.unit_key

)

select exposure_date from dates_affected
where exposure_date is not null
