-- One row per test and unit exposed to it: the phase and variant of its first exposure, and what speaks against counting it.
{{ replace_affected('int_ab_test_units_affected', key='unit_key', empty_without='int_ab_tests_listed') }}
with

randomization as (

    select distinct test_name, randomization_unit
    from {{ ref('int_ab_tests_listed') }}

),

exposures as (

    select
        exposed.test_name,
        case
            when randomization.randomization_unit = 'session' then exposed.conversation_key
            else conversations.id_namespace || ':' || conversations.user_id
        end as unit_key,
        case randomization.randomization_unit when 'session' then exposed.conversation_id else conversations.user_id end as assignment_key,
        exposed.conversation_key,
        exposed.variant,
        exposed.first_exposed_at,
        exposed.last_exposed_at,
        exposed.exposure_count
    from {{ ref('int_variants_exposed') }} as exposed
    inner join {{ ref('int_conversations') }} as conversations
        on exposed.conversation_key = conversations.conversation_key and conversations.environment = 'production'
    inner join randomization on exposed.test_name = randomization.test_name

),

exposures_ordered as (

    select *, min(first_exposed_at) over (partition by test_name, unit_key) as first_exposure_at
    from exposures
    where unit_key is not null and {{ only_affected_units('unit_key') }}

),

first_variants as (

    select
        *,
        min(case when first_exposed_at = first_exposure_at then variant end) over (partition by test_name, unit_key) as first_variant
    from exposures_ordered

),

units as (

    -- Over all phases. Two variants at the same first instant do not show which one the person saw: the unit is ambiguous,
    -- without a tie-break.
    select
        test_name,
        unit_key,
        min(assignment_key) as assignment_key,
        min(first_exposure_at) as first_exposure_at,
        max(last_exposed_at) as last_exposure_at,
        cast(sum(exposure_count) as bigint) as exposure_count,
        min(first_variant) as variant,
        count(distinct case when first_exposed_at = first_exposure_at then variant end) > 1 as is_ambiguous,
        min(case when first_exposed_at = first_exposure_at then conversation_key end) as first_conversation_key,
        min(case when variant <> first_variant then first_exposed_at end) as other_variant_at
    from first_variants
    group by test_name, unit_key

),

units_placed as (

    -- The phase that had begun last; phases follow each other without a gap.
    select
        units.*,
        tests.phase,
        tests.ended_at,
        tests.window_hours,
        tests.assignment,
        tests.randomization_unit,
        tests.treatment_count + 1 as variant_count
    from units
    left join {{ ref('int_ab_tests_listed') }} as tests
        on
            units.test_name = tests.test_name
            and units.first_exposure_at >= coalesce(tests.started_at, timestamp '0001-01-01 00:00:00')
            and units.first_exposure_at < coalesce(tests.ended_at, timestamp '9999-01-01 00:00:00')

),

units_found as (

    select
        units.test_name,
        units.phase,
        units.unit_key,
        case when not units.is_ambiguous then units.variant end as variant,
        units.first_exposure_at,
        cast(units.first_exposure_at as date) as exposure_date,
        {{ add_hours('units.first_exposure_at', 'units.window_hours') }} as window_ends_at,
        coalesce({{ add_hours('units.first_exposure_at', 'units.window_hours') }} <= data_until.data_until_at, false) as is_window_over,
        units.assignment_key,
        units.last_exposure_at,
        units.exposure_count,
        units.other_variant_at,
        units.first_conversation_key,
        units.is_ambiguous,
        -- Each further conversation exposes a user again.
        coalesce(
            units.randomization_unit = 'session' and units.exposure_count > 1
            and not units.is_ambiguous and units.other_variant_at is null, false
        ) as is_repeated,
        -- A unit of no planned variant is in no group that another variant could mix.
        coalesce(
            not units.is_ambiguous and variants.variant is not null
            and units.other_variant_at < coalesce(units.ended_at, timestamp '9999-01-01'), false
        ) as is_contaminated,
        coalesce(units.last_exposure_at >= units.ended_at, false) as is_carried_over,
        units.phase is null as is_before_start,
        units.phase is not null and variants.variant is null and not units.is_ambiguous as is_unknown_variant,
        case
            when units.assignment = 'sha256_mod'
                then
                    coalesce(
                        variants.place - 1
                        <> {{ sha256_modulo("(units.test_name || ':' || units.assignment_key)", 'units.variant_count') }},
                        false
                    )
        end as is_assignment_mismatch,
        not units.is_ambiguous and variants.variant is not null as is_counted
    from units_placed as units
    cross join {{ ref('int_data_until_measured') }} as data_until
    left join {{ ref('int_ab_test_variants_listed') }} as variants
        on
            units.test_name = variants.test_name and units.phase = variants.phase
            and units.variant = variants.variant and variants.is_planned

)

select * from units_found
