-- One row per test and production conversation exposed to it: the first exposure.
{{ replace_affected('int_conversations_affected') }}
with

first_exposures as (

    select *
    from {{ ref('int_first_exposures_found') }}
    where {{ only_affected(ref('int_conversations_affected'), 'first_exposure_at') }}

),

conversations as (

    select conversation_key, user_id, source, channel, device, language
    from {{ ref('int_conversations') }}
    where environment = 'production'

),

exposures_stated as (

    select
        first_exposures.test_name,
        first_exposures.conversation_key,
        first_exposures.conversation_id,
        first_exposures.id_namespace,
        conversations.user_id,
        case when not first_exposures.is_ambiguous then first_exposures.first_variant end as variant,
        first_exposures.is_control,
        first_exposures.first_exposure_at,
        cast(first_exposures.first_exposure_at as date) as exposure_date,
        first_exposures.first_exposure_event_id,
        first_exposures.exposure_count,
        first_exposures.variant_count,
        first_exposures.is_ambiguous,
        first_exposures.variant_count > 1 and not first_exposures.is_ambiguous as is_contaminated,
        conversations.source,
        conversations.channel,
        conversations.device,
        conversations.language
    from first_exposures
    inner join conversations on first_exposures.conversation_key = conversations.conversation_key

)

select * from exposures_stated
