-- One row per test, phase, counted unit this run works on and conversation of its window; of users also those before it.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

units as (

    select
        units.*,
        tests.randomization_unit,
        {{ add_hours('units.first_exposure_at', -24 * 28) }} as covariate_from_at
    from {{ ref('int_ab_test_units_found') }} as units
    inner join {{ ref('int_ab_tests_listed') }} as tests on units.test_name = tests.test_name and units.phase = tests.phase
    where units.is_counted and {{ only_affected_units('units.unit_key') }}

),

exposed as (

    select conversation_key, test_name, min(first_exposed_at) as first_exposed_at
    from {{ ref('int_variants_exposed') }}
    group by conversation_key, test_name

),

conversations as (

    select
        facts.conversation_key, facts.id_namespace, facts.user_id,
        facts.started_at, facts.resolved_at, facts.last_interaction_at, facts.is_closed,
        {% for name in var('ab_test_facts') -%}
        facts.{{ name }},
        {% endfor -%}
        events.last_event_at
    from {{ ref('fct_conversations') }} as facts
    inner join {{ ref('int_conversations') }} as events on facts.conversation_key = events.conversation_key
    where
        {{ only_affected_units('facts.conversation_key') }}
        or {{ only_affected_units("facts.id_namespace || ':' || facts.user_id") }}

),

conversations_by_unit as (

    select *, 'session' as randomization_unit, conversation_key as unit_key
    from conversations
    union all
    select *, 'user' as randomization_unit, id_namespace || ':' || user_id as unit_key
    from conversations
    where user_id is not null

),

conversations_placed as (

    -- A conversation that was exposed belongs to the window from its exposure on, any other of the same user from its start on.
    select
        units.test_name,
        units.phase,
        units.first_exposure_at,
        units.window_ends_at,
        units.covariate_from_at,
        conversations.*,
        conversations.randomization_unit = 'session'
        or (
            coalesce(exposed.first_exposed_at, conversations.started_at) >= units.first_exposure_at
            and coalesce(exposed.first_exposed_at, conversations.started_at) < units.window_ends_at
        ) as is_in_window,
        -- Every known event of it must be before the exposure.
        conversations.randomization_unit = 'user'
        and conversations.started_at >= units.covariate_from_at
        and conversations.last_event_at < units.first_exposure_at as is_before_exposure
    from units
    inner join conversations_by_unit as conversations
        on units.randomization_unit = conversations.randomization_unit and units.unit_key = conversations.unit_key
    left join exposed on conversations.conversation_key = exposed.conversation_key and units.test_name = exposed.test_name

),

conversations_windowed as (

    select
        *,
        case when is_before_exposure then covariate_from_at else first_exposure_at end as counted_from_at,
        case when is_before_exposure then first_exposure_at else window_ends_at end as counted_until_at
    from conversations_placed
    where is_in_window or is_before_exposure

)

select * from conversations_windowed
