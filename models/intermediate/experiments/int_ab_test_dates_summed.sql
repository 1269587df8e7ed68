-- One row per test, phase, metric, segment, variant and UTC date of exposure: what the mature units first exposed on it add up to.
{{ config(materialized='table') }}
with

outcomes as (

    select *
    from {{ ref('int_ab_test_outcomes_measured') }}
    where is_mature

),

-- Segments times metrics would find something in every test: only the primary metric is taken apart.
outcomes_by_segment as (

    select outcomes.*, 'all' as segment
    from outcomes
    union all
    select outcomes.*, segments.segment
    from outcomes
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics
        on
            outcomes.test_name = metrics.test_name and outcomes.phase = metrics.phase
            and outcomes.metric = metrics.metric and metrics.is_primary
    inner join {{ ref('int_ab_test_segments_listed') }} as segments
        on
            outcomes.test_name = segments.test_name and outcomes.phase = segments.phase
            and outcomes.unit_key = segments.unit_key

),

dates_summed as (

    select
        test_name,
        phase,
        metric,
        segment,
        variant,
        exposure_date,
        count(*) as exposed_units,
        count(outcome) as unit_count,
        count(case when outcome > 0 then 1 end) as converted_units,
        sum(case when outcome is not null then session_count end) as session_count,
        sum(outcome) as outcome_sum,
        sum(outcome * outcome) as outcome_square_sum,
        sum(case when outcome is not null then session_count * session_count end) as session_square_sum,
        sum(outcome * session_count) as product_sum
    from outcomes_by_segment
    group by test_name, phase, metric, segment, variant, exposure_date

)

select * from dates_summed
