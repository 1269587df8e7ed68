-- One row per test, phase and way a conversion can fail to count: how many conversions do.
with

units as (

    select units.*, tests.randomization_unit, tests.started_at, tests.ended_at
    from {{ ref('int_ab_test_units_found') }} as units
    inner join {{ ref('int_ab_tests_listed') }} as tests on units.test_name = tests.test_name and units.phase = tests.phase
    where units.is_counted

),

conversions as (

    select
        events.conversation_key,
        conversations.id_namespace || ':' || conversations.user_id as user_key,
        events.occurred_at
    from {{ ref('int_events') }} as events
    inner join {{ ref('int_conversations') }} as conversations
        on events.conversation_key = conversations.conversation_key and conversations.environment = 'production'
    where events.event_type = 'conversion'

),

conversions_by_unit as (

    select 'session' as randomization_unit, conversation_key as unit_key, occurred_at
    from conversions
    union all
    select 'user' as randomization_unit, user_key as unit_key, occurred_at
    from conversions

),

conversions_of_units as (

    select units.test_name, units.phase, units.first_exposure_at, units.window_ends_at, conversions.occurred_at
    from units
    inner join conversions_by_unit as conversions
        on units.randomization_unit = conversions.randomization_unit and units.unit_key = conversions.unit_key

),

periods as (

    select
        test_name,
        phase,
        min(randomization_unit) as randomization_unit,
        min(first_exposure_at) as first_exposure_at,
        max(window_ends_at) as last_window_ends_at
    from units
    group by test_name, phase

),

-- Conversions of units without an exposure. Many of them mean that exposures are being lost.
conversions_of_others as (

    select periods.test_name, periods.phase, count(units.unit_key) as exposed_count, count(*) as total_count
    from periods
    inner join conversions_by_unit as conversions
        on
            periods.randomization_unit = conversions.randomization_unit and periods.first_exposure_at <= conversions.occurred_at
            and periods.last_window_ends_at > conversions.occurred_at
    left join units
        on periods.test_name = units.test_name and periods.phase = units.phase and conversions.unit_key = units.unit_key
    group by periods.test_name, periods.phase

),

conversion_problems_counted as (

    select
        test_name, phase, 'converted_before_exposure' as check_name,
        count(case when occurred_at < first_exposure_at then 1 end) as affected_count, count(*) as total_count
    from conversions_of_units
    group by test_name, phase
    union all
    select
        test_name, phase, 'converted_after_window' as check_name,
        count(case when occurred_at >= window_ends_at then 1 end) as affected_count, count(*) as total_count
    from conversions_of_units
    group by test_name, phase
    union all
    select test_name, phase, 'converted_without_exposure' as check_name, total_count - exposed_count as affected_count, total_count
    from conversions_of_others

)

select * from conversion_problems_counted
