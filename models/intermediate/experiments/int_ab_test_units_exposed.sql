-- One row per test and unit exposed to it, over all phases: its first exposure, and when another variant followed.
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
    where unit_key is not null

),

units as (

    -- Two variants at the same first instant say nothing about which one the person saw: no tie-break, it is ambiguous.
    select
        test_name,
        unit_key,
        min(assignment_key) as assignment_key,
        min(first_exposure_at) as first_exposure_at,
        max(last_exposed_at) as last_exposure_at,
        cast(sum(exposure_count) as bigint) as exposure_count,
        min(case when first_exposed_at = first_exposure_at then variant end) as variant,
        count(distinct case when first_exposed_at = first_exposure_at then variant end) > 1 as is_ambiguous,
        min(case when first_exposed_at = first_exposure_at then conversation_key end) as first_conversation_key
    from exposures_ordered
    group by test_name, unit_key

),

others as (

    select units.test_name, units.unit_key, min(exposures_ordered.first_exposed_at) as other_variant_at
    from units
    inner join exposures_ordered
        on
            units.test_name = exposures_ordered.test_name and units.unit_key = exposures_ordered.unit_key
            and units.variant <> exposures_ordered.variant
    group by units.test_name, units.unit_key

),

units_exposed as (

    select units.*, others.other_variant_at
    from units
    left join others on units.test_name = others.test_name and units.unit_key = others.unit_key

)

select * from units_exposed
