-- One row per test, phase and metric it is judged by.
with

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

facts as (

    {% for name, fact in var('ab_test_facts').items() -%}
    select '{{ name }}' as fact, '{{ fact.type }}' as metric_type, '{{ fact.metric }}' as metric_name
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

metrics_of_facts as (

    select facts.fact as metric, facts.metric_type, definitions.direction <> 'lower_is_better' as is_higher_better
    from facts
    inner join {{ ref('metric_definitions') }} as definitions on facts.metric_name = definitions.metric_name

),

metrics_of_goals as (

    select 'conversion' as metric, 'conversion' as metric_type, true as is_higher_better
    union all
    select 'conversion:' || goal as metric, 'conversion' as metric_type, true as is_higher_better
    from {{ ref('int_metrics_defined') }}
    where goal is not null
    union all
    select 'value:' || goal as metric, 'engagement' as metric_type, true as is_higher_better
    from {{ ref('int_metrics_defined') }}
    where goal is not null

),

metrics_listed as (

    select
        tests.test_name,
        tests.phase,
        metrics.metric,
        metrics.metric_type,
        metrics.is_higher_better,
        metrics.metric = tests.primary_metric as is_primary
    from tests
    cross join metrics_of_goals as metrics
    union all
    select
        tests.test_name,
        tests.phase,
        metrics.metric,
        metrics.metric_type,
        metrics.is_higher_better,
        true as is_primary
    from tests
    inner join metrics_of_facts as metrics on tests.primary_metric = metrics.metric

)

select * from metrics_listed
