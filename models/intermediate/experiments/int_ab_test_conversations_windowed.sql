-- One row per test, phase, counted unit and conversation of the unit within its window.
{{ config(materialized='table') }}
with

units as (

    select units.*, tests.randomization_unit, tests.primary_metric
    from {{ ref('int_ab_test_units_found') }} as units
    inner join {{ ref('int_ab_tests_listed') }} as tests on units.test_name = tests.test_name and units.phase = tests.phase
    where units.is_counted

),

exposed as (

    select conversation_key, test_name, min(first_exposed_at) as first_exposed_at
    from {{ ref('int_variants_exposed') }}
    group by conversation_key, test_name

),

conversations as (

    select *, 'session' as randomization_unit, conversation_key as unit_key
    from {{ ref('fct_conversations') }}
    union all
    select *, 'user' as randomization_unit, id_namespace || ':' || user_id as unit_key
    from {{ ref('fct_conversations') }}
    where user_id is not null

),

conversations_windowed as (

    -- A conversation that was exposed belongs to the window from its exposure on, any other of the same user from its start on.
    select
        units.test_name,
        units.phase,
        units.first_exposure_at,
        units.window_ends_at,
        conversations.*
    from units
    inner join conversations on units.randomization_unit = conversations.randomization_unit and units.unit_key = conversations.unit_key
    left join exposed on conversations.conversation_key = exposed.conversation_key and units.test_name = exposed.test_name
    where
        units.randomization_unit = 'session'
        or (
            coalesce(exposed.first_exposed_at, conversations.started_at) >= units.first_exposure_at
            and coalesce(exposed.first_exposed_at, conversations.started_at) < units.window_ends_at
        )

)

select * from conversations_windowed
