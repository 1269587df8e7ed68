-- One row per test, phase, complete date of exposure and planned variant: all units that fell to it up to that date.
{{ config(materialized='table') }}
with

units as (

    select test_name, phase, variant, exposure_date, count(*) as unit_count
    from {{ ref('int_ab_test_units_found') }}
    where is_counted
    group by test_name, phase, variant, exposure_date

),

-- Immature units count: the shares go wrong before any outcome is known.
dates as (

    select distinct units.test_name, units.phase, units.exposure_date
    from units
    cross join {{ ref('int_data_until_measured') }} as data_until
    where cast(units.exposure_date + interval '1' day as timestamp) <= data_until.data_until_at

),

units_accumulated as (

    select
        dates.test_name,
        dates.phase,
        dates.exposure_date,
        variants.variant,
        variants.weight,
        sum(coalesce(units.unit_count, 0)) over (
            partition by dates.test_name, dates.phase, variants.variant
            order by dates.exposure_date rows between unbounded preceding and current row
        ) as unit_count
    from dates
    inner join {{ ref('int_ab_test_variants_listed') }} as variants
        on dates.test_name = variants.test_name and dates.phase = variants.phase and variants.is_planned
    left join units
        on
            dates.test_name = units.test_name and dates.phase = units.phase
            and dates.exposure_date = units.exposure_date and variants.variant = units.variant

)

select * from units_accumulated
