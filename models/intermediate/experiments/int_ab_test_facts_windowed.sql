-- One row per test, phase, unit and fact: what its conversations within its window come to, and those before its exposure.
with

conversations as (

    select * from {{ ref('int_ab_test_conversations_windowed') }}

),

facts_windowed as (

    {% for name, fact in var('ab_test_facts').items() -%}
    select
        test_name, phase, unit_key, '{{ name }}' as metric,
        {% if fact.type == 'conversion' -%}
        cast(count(case when {{ name }} and not is_before_exposure then 1 end) as double) as outcome,
        cast(count(case when {{ name }} and is_before_exposure then 1 end) as double) as covariate,
        count(case when not is_before_exposure then 1 end) as session_count,
        count(case when is_before_exposure then 1 end) as covariate_session_count,
        min(case when {{ name }} and not is_before_exposure then coalesce(resolved_at, last_interaction_at, started_at) end)
            as first_converted_at
        {%- else -%}
        cast(sum(case when not is_before_exposure then {{ name }} end) as double) as outcome,
        cast(sum(case when is_before_exposure then {{ name }} end) as double) as covariate,
        -- The mean of a user is over the conversations in which it was measured.
        count(case when not is_before_exposure then {{ name }} end) as session_count,
        count(case when is_before_exposure then {{ name }} end) as covariate_session_count,
        cast(null as timestamp) as first_converted_at
        {%- endif %}
    from conversations
    group by test_name, phase, unit_key
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from facts_windowed
