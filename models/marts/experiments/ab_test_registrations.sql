-- One row per registered test, phase and version of its row in seeds/ab_tests.csv that a build has seen.
with

recorded as (

    select * from {{ source('history', 'ab_test_registrations') }}

),

newest as (

    select
        *,
        row_number() over (partition by test_name, phase order by registered_at desc, load_id desc) as newness
    from recorded

),

rows_new as (

    select
        test_name,
        phase,
        control_variant,
        variants,
        weights,
        assignment,
        randomization_unit,
        metric_type,
        primary_metric,
        window_hours,
        started_at,
        planned_at,
        planned_total,
        mde_abs,
        test_kind,
        guardrail_margin
    from {{ ref('ab_tests') }}
    except
    select
        test_name,
        phase,
        control_variant,
        variants,
        weights,
        assignment,
        randomization_unit,
        metric_type,
        primary_metric,
        window_hours,
        started_at,
        planned_at,
        planned_total,
        mde_abs,
        test_kind,
        guardrail_margin
    from newest
    where newness = 1

),

registrations as (

    select * from recorded
    union all
    select rows_new.*, comparison.restated_at as registered_at, comparison.load_id
    from rows_new
    cross join {{ source('state', 'comparison') }} as comparison

)

select * from registrations
