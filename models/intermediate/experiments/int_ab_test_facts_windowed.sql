-- One row per test, phase, unit and fact of its conversations within its window.
{{ config(materialized='ephemeral') }}
with

conversations as (

    select * from {{ ref('int_ab_test_conversations_windowed') }}

),

facts_windowed as (

    {% for name, fact in var('ab_test_facts').items() -%}
    select
        test_name, phase, unit_key, '{{ name }}' as metric,
        {% if fact.type == 'conversion' -%}
        cast(count(case when {{ name }} then 1 end) as double) as outcome,
        min(case when {{ name }} then coalesce(resolved_at, last_interaction_at, started_at) end) as first_converted_at
        {%- else -%}
        cast(sum({{ name }}) as double) as outcome,
        cast(null as timestamp) as first_converted_at
        {%- endif %}
    from conversations
    group by test_name, phase, unit_key
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from facts_windowed
