-- One row per conversation, test and variant it was exposed to: the first of these exposures.
{{ replace_affected('int_conversations_affected') }}
with

exposures as (

    select
        *,
        experiment_name as test_name,
        min(occurred_at) over (partition by conversation_key, experiment_name, variant) as first_exposed_at
    from {{ ref('int_events_affected') }}
    where event_type = 'experiment_exposure' and experiment_name is not null and variant is not null

),

variants_exposed as (

    select
        conversation_key,
        test_name,
        variant,
        min(conversation_id) as conversation_id,
        min(id_namespace) as id_namespace,
        bool_or(is_control) filter (where occurred_at = first_exposed_at) as is_control,
        min_by(event_id, sequence_number) as first_exposure_event_id,
        min(sequence_number) as first_sequence_number,
        min(first_exposed_at) as first_exposed_at,
        max(occurred_at) as last_exposed_at,
        count(*) as exposure_count
    from exposures
    group by conversation_key, test_name, variant

)

select * from variants_exposed
