-- One row per labelled conversation and stage: what its newest labelling says.
{{ replace_touched('int_conversations_labelled') }}
with

labels as (

    select *
    from {{ ref('stg_ledger__stage_labels') }}
    where load_id > {{ built_through_load_id() }}

),

sources as (

    select source, id_namespace
    from {{ ref('sources') }}

),

-- Whatever changes in a conversation gets it labelled again, so the newest labelling is the one of its present content.
labels_ranked as (

    select
        labels.*,
        sources.id_namespace || ':' || labels.conversation_id as conversation_key,
        row_number() over (
            partition by sources.id_namespace, labels.conversation_id, labels.stage
            order by labels.load_id desc, labels.labelled_at desc, labels.definition_hash desc, labels.source asc
        ) as labels_later
    from labels
    inner join sources on labels.source = sources.source

),

labels_chosen as (

    select
        conversation_key,
        stage,
        is_reached,
        evidence_source,
        evidence_event_id,
        confidence,
        classifier_kind,
        definition_hash,
        needs_review
    from labels_ranked
    where labels_later = 1

)

select * from labels_chosen
