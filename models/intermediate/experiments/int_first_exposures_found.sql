-- One row per conversation and test it was exposed to: the first exposure.
{{ replace_touched('int_conversations_touched') }}
with

exposures as (

    select
        conversation_key,
        conversation_id,
        id_namespace,
        user_id,
        experiment_name as test_name,
        variant,
        is_control,
        event_id,
        occurred_at,
        sequence_number,
        min(occurred_at) over (partition by conversation_key, experiment_name) as first_exposure_at
    from {{ ref('int_events_touched') }}
    where event_type = 'experiment_exposure' and experiment_name is not null and variant is not null

),

-- Two variants at the same first instant say nothing about which one the person saw: no tie-break, it is ambiguous.
first_exposures_found as (

    select
        conversation_key,
        test_name,
        min(conversation_id) as conversation_id,
        min(id_namespace) as id_namespace,
        min_by(variant, sequence_number) as first_variant,
        bool_or(is_control) filter (where occurred_at = first_exposure_at) as is_control,
        min_by(event_id, sequence_number) as first_exposure_event_id,
        min(first_exposure_at) as first_exposure_at,
        count(*) as exposure_count,
        count(distinct variant) as variant_count,
        count(distinct case when occurred_at = first_exposure_at then variant end) > 1 as is_ambiguous
    from exposures
    group by conversation_key, test_name

)

select * from first_exposures_found
