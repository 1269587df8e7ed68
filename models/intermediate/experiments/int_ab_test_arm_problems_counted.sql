-- One row per test, phase and thing that can be wrong with its arms: how many arms, or units, it is true of.
with

results as (

    select *
    from {{ ref('int_ab_test_verdicts_explained') }}
    where segment = 'all' and is_primary

),

variants as (

    select * from {{ ref('int_ab_test_variant_units_counted') }}

),

sample_ratios as (

    select *
    from {{ ref('int_ab_test_sample_ratios_tested') }}
    where is_newest

),

arm_problems_counted as (

    select
        test_name, phase, 'empty_arm' as check_name,
        count(case when exposed_units = 0 and weight > 0 then 1 end) as affected_count, count(*) as total_count
    from variants
    group by test_name, phase
    union all
    select
        test_name, phase, 'no_control' as check_name,
        case when count(case when is_control then 1 end) = 0 then count(*) else 0 end as affected_count, count(*) as total_count
    from variants
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

)

select * from arm_problems_counted
