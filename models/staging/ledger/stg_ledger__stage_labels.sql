-- One row per labelling, conversation and stage, or claimed_resolved for what the agent's side claims.
with

stage_labels as (

    select * from {{ source('ledger', 'stage_labels') }}

),

renamed as (

    select
        source,
        conversation_id,
        stage,
        reached as is_reached,
        evidence_source,
        evidence_event_id,
        confidence,
        classifier_kind,
        definition_hash,
        content_hash,
        needs_review,
        labelled_at,
        _load_id as load_id
    from stage_labels

)

select * from renamed
