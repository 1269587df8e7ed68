-- One row per test, phase, metric, segment, look and treatment: its p-value by Holm within its family, and since when it is significant.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

looks as (

    select
        compared.*,
        metrics.is_primary,
        metrics.is_higher_better,
        -- The treatments of the primary metric are one family, its segments another, all other metrics a third.
        case when compared.segment <> 'all' then 'segments' when metrics.is_primary then 'primary' else 'secondary' end as family
    from {{ ref('int_ab_test_looks_compared') }} as compared
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics
        on compared.test_name = metrics.test_name and compared.phase = metrics.phase and compared.metric = metrics.metric

),

looks_ranked as (

    select
        *,
        count(*) over (partition by test_name, phase, family, look_date) as family_size,
        row_number() over (
            partition by test_name, phase, family, look_date
            order by sequential_p_value, metric, segment, variant
        ) as p_rank
    from looks

),

looks_stepped_down as (

    select
        *,
        max(least(1.0, (family_size - p_rank + 1) * sequential_p_value)) over (
            partition by test_name, phase, family, look_date
            order by p_rank
            rows between unbounded preceding and current row
        ) as sequential_p_holm
    from looks_ranked

),

looks_adjusted as (

    select
        *,
        min(case when sequential_p_holm < 0.05 then look_date end) over (
            partition by comparison_key, variant
        ) as first_significant_date,
        min_by(evident_diff, case when sequential_p_holm < 0.05 then look_date end) over (
            partition by comparison_key, variant
        ) as first_significant_diff
    from looks_stepped_down

)

select * from looks_adjusted
