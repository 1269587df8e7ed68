-- One row per test, phase, metric, segment and planned variant: what the variant is to be judged by, and how.
with

-- A test before its first look has no sums, but still has a row.
frames as (

    select test_name, phase, metric, 'all' as segment
    from {{ ref('int_ab_test_metrics_listed') }}
    union
    select test_name, phase, metric, segment
    from {{ ref('int_ab_test_dates_summed') }}

),

comparisons as (

    select
        frames.test_name,
        frames.phase,
        frames.metric,
        frames.segment,
        {{ comparison_key('frames.test_name', 'frames.phase', 'frames.metric', 'frames.segment') }} as comparison_key,
        variants.variant,
        variants.is_control,
        metrics.metric_type,
        metrics.is_primary,
        metrics.is_higher_better,
        tests.is_registered,
        tests.control_variant,
        tests.treatment_count,
        tests.randomization_unit,
        tests.window_hours,
        tests.method,
        tests.planned_total,
        tests.test_kind,
        tests.mde_abs as registered_mde_abs,
        tests.guardrail_margin as registered_guardrail_margin,
        -- All shares have one unit; any other metric has its own.
        metrics.is_primary or (metrics.metric_type = 'conversion' and tests.metric_type = 'conversion') as is_in_unit_of_primary
    from frames
    inner join {{ ref('int_ab_tests_listed') }} as tests on frames.test_name = tests.test_name and frames.phase = tests.phase
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics
        on frames.test_name = metrics.test_name and frames.phase = metrics.phase and frames.metric = metrics.metric
    inner join {{ ref('int_ab_test_variants_listed') }} as variants
        on frames.test_name = variants.test_name and frames.phase = variants.phase and variants.is_planned

),

comparisons_listed as (

    select
        *,
        case when is_in_unit_of_primary then registered_mde_abs end as mde_abs,
        case when is_in_unit_of_primary then registered_guardrail_margin end as guardrail_margin
    from comparisons

)

select * from comparisons_listed
