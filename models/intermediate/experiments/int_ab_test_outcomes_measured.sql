-- One row per test, phase, metric and counted unit: what became of the unit within its window.
{{ replace_affected('int_ab_test_units_affected', key='unit_key', empty_without='int_ab_tests_listed') }}
with

units as (

    select *
    from {{ ref('int_ab_test_units_found') }}
    where is_counted and {{ only_affected_units('unit_key') }}

),

conversations as (

    select * from {{ ref('int_ab_test_conversations_windowed') }}

),

conversions_in_time as (

    select
        conversations.test_name,
        conversations.phase,
        conversations.unit_key,
        conversions.goal,
        case when not conversations.is_before_exposure then conversations.conversation_key end as conversation_key,
        case when not conversations.is_before_exposure then conversions.occurred_at end as occurred_at,
        case when not conversations.is_before_exposure then conversions.conversion_value end as conversion_value,
        case when conversations.is_before_exposure then conversations.conversation_key end as earlier_conversation_key,
        case when conversations.is_before_exposure then conversions.conversion_value end as earlier_conversion_value
    from conversations
    inner join {{ ref('int_events') }} as conversions
        on
            conversations.conversation_key = conversions.conversation_key
            and conversations.counted_from_at <= conversions.occurred_at
            and conversations.counted_until_at > conversions.occurred_at
    where
        conversions.event_type = 'conversion'
        and {{ not_before_affected(ref('int_ab_test_conversations_windowed'), 'conversions.occurred_at', 'counted_from_at') }}

),

-- How often a unit reached its goals within its window, and before its exposure.
goals_windowed as (

    select
        test_name, phase, unit_key, 'conversion' as metric,
        cast(count(distinct conversation_key) as double) as outcome,
        cast(count(distinct earlier_conversation_key) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    group by test_name, phase, unit_key
    union all
    select
        test_name, phase, unit_key, 'conversion:' || goal as metric,
        cast(count(distinct conversation_key) as double) as outcome,
        cast(count(distinct earlier_conversation_key) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    where goal is not null
    group by test_name, phase, unit_key, goal
    union all
    select
        test_name, phase, unit_key, 'value:' || goal as metric,
        cast(coalesce(sum(conversion_value), 0) as double) as outcome,
        cast(coalesce(sum(earlier_conversion_value), 0) as double) as covariate,
        min(occurred_at) as first_converted_at
    from conversions_in_time
    where goal is not null
    group by test_name, phase, unit_key, goal

),

-- Outcomes of a unit's conversations within its window, and of those before its exposure.
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

),

outcomes as (

    select
        test_name, phase, unit_key, metric, outcome, covariate, first_converted_at,
        cast(null as bigint) as session_count, cast(null as bigint) as covariate_session_count
    from goals_windowed
    union all
    select
        test_name, phase, unit_key, metric, outcome, covariate, first_converted_at, session_count, covariate_session_count
    from facts_windowed

),

sessions as (

    select
        test_name,
        phase,
        unit_key,
        count(case when not is_before_exposure then 1 end) as session_count,
        count(case when is_before_exposure then 1 end) as covariate_session_count,
        bool_and(is_closed or is_before_exposure) as is_closed
    from conversations
    group by test_name, phase, unit_key

),

outcomes_measured as (

    select
        units.test_name,
        units.phase,
        metrics.metric,
        units.unit_key,
        units.variant,
        units.exposure_date,
        -- No conversion is 0, and so is a fact that is not true; a number without a measurement stays null.
        case
            when metrics.metric_type = 'conversion' or metrics.metric like 'value:%' then coalesce(outcomes.outcome, 0.0)
            else outcomes.outcome
        end as outcome,
        cast(coalesce(outcomes.session_count, sessions.session_count, 1) as double) as session_count,
        -- A user without a past has the covariate 0, which corrects nothing.
        coalesce(outcomes.covariate, 0.0) as covariate,
        cast(coalesce(outcomes.covariate_session_count, sessions.covariate_session_count, 0) as double) as covariate_session_count,
        outcomes.first_converted_at,
        units.is_window_over
        and (metrics.metric like 'conversion%' or metrics.metric like 'value:%' or coalesce(sessions.is_closed, true)) as is_mature
    from units
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics on units.test_name = metrics.test_name and units.phase = metrics.phase
    left join sessions
        on units.test_name = sessions.test_name and units.phase = sessions.phase and units.unit_key = sessions.unit_key
    left join outcomes
        on
            units.test_name = outcomes.test_name and units.phase = outcomes.phase
            and units.unit_key = outcomes.unit_key and metrics.metric = outcomes.metric

)

select * from outcomes_measured
