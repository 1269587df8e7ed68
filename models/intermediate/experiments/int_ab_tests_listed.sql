-- One row per test and phase: as seeds/ab_tests.csv registers it, or as its exposures show it.
with

registered as (

    select
        *,
        lead(started_at) over (partition by test_name order by started_at) as ended_at
    from {{ ref('ab_tests') }}

),

variants_seen as (

    select distinct test_name, variant, is_control
    from {{ ref('ab_test_exposures') }}
    where variant is not null

),

-- Tests without a registration. The control is the variant whose exposures state is_control, else the variant named control. If two
-- variants state is_control, there is no control.
discovered as (

    select
        test_name,
        case
            when count(distinct case when is_control then variant end) = 1 then min(case when is_control then variant end)
            when count(distinct case when is_control then variant end) = 0 then min(case when variant = 'control' then variant end)
        end as control_variant,
        count(distinct variant) as variant_count
    from variants_seen
    where test_name not in (select test_name from registered)
    group by test_name

),

tests_listed as (

    select
        test_name,
        phase,
        true as is_registered,
        control_variant,
        length(variants) - length(replace(variants, '|', '')) as treatment_count,
        coalesce(assignment, 'external') as assignment,
        coalesce(randomization_unit, 'session') as randomization_unit,
        coalesce(metric_type, 'conversion') as metric_type,
        coalesce(primary_metric, 'conversion') as primary_metric,
        coalesce(window_hours, 24) as window_hours,
        started_at,
        ended_at,
        planned_total,
        coalesce(mde_abs, 0.05) as mde_abs,
        coalesce(test_kind, 'other') as test_kind,
        guardrail_margin,
        -- A plan that was made after the start makes no group-sequential test.
        case when planned_total is not null and planned_at <= started_at then 'group_sequential' else 'msprt' end as method
    from registered
    union all
    select
        test_name,
        1 as phase,
        false as is_registered,
        control_variant,
        greatest(variant_count - 1, 1) as treatment_count,
        'external' as assignment,
        'session' as randomization_unit,
        'conversion' as metric_type,
        'conversion' as primary_metric,
        24 as window_hours,
        cast(null as timestamp) as started_at,
        cast(null as timestamp) as ended_at,
        cast(null as bigint) as planned_total,
        0.05 as mde_abs,
        'other' as test_kind,
        cast(null as double) as guardrail_margin,
        'msprt' as method
    from discovered

)

select * from tests_listed
