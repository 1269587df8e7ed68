-- One row per test, phase and complete date of exposure: whether the units fall to the variants as planned.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
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

),

ratios as (

    select
        test_name,
        phase,
        exposure_date,
        sum(unit_count) as unit_count,
        count(case when weight > 0 then 1 end) as arm_count,
        sum(case when weight > 0 then unit_count else 0 end) as planned_unit_count,
        sum(case when weight = 0 then unit_count else 0 end) as unplanned_unit_count,
        {{ ordered_sum(sample_ratio_log_e_of_arm('unit_count', 'weight'), 'variant') }} as log_e_of_arms,
        {{ ordered_sum('cast(unit_count as double) * unit_count / nullif(weight, 0)', 'variant') }} as weighted_squares
    from units_accumulated
    group by test_name, phase, exposure_date

),

statistics as (

    select
        *,
        log_e_of_arms + {{ sample_ratio_log_e_of_total('unit_count') }} as log_e,
        -- The sum over the planned arms of (n - N w)^2 / (N w); rounding can leave a perfect split a little below 0.
        greatest(0.0, weighted_squares / nullif(planned_unit_count, 0) - planned_unit_count) as chi_squared,
        arm_count - 1 as degrees_of_freedom
    from ratios

),

statistics_accumulated as (

    select
        *,
        max(log_e) over (
            partition by test_name, phase order by exposure_date rows between unbounded preceding and current row
        ) as highest_log_e
    from statistics

),

ratios_tested as (

    select
        *,
        case when unplanned_unit_count > 0 then 0.0 else {{ p_of_log_e('highest_log_e') }} end as srm_p_value,
        {{ chi_squared_tail('chi_squared', 'degrees_of_freedom') }} as srm_chi2_p,
        exposure_date = max(exposure_date) over (partition by test_name, phase) as is_newest
    from statistics_accumulated

),

sample_ratios_tested as (

    -- A test without a registration has no planned weights: its p value is shown and makes no test invalid.
    select ratios_tested.*, tests.is_registered and ratios_tested.srm_p_value < 0.01 as is_mismatch
    from ratios_tested
    inner join {{ ref('int_ab_tests_listed') }} as tests
        on ratios_tested.test_name = tests.test_name and ratios_tested.phase = tests.phase

)

select * from sample_ratios_tested
