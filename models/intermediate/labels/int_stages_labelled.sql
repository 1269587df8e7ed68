-- One row per conversation of this run and stage that its labels show as reached, with the event that shows it.
with

labels as (

    select *
    from {{ ref('int_stage_labels_chosen') }}
    where is_reached

),

events as (

    select conversation_key, sequence_number, source, event_id, occurred_at, seq
    from {{ ref('int_events_affected') }}

),

-- A label without its evidence shows nothing: a repair has removed the event, and the rest is not labelled yet.
stages_labelled as (

    select
        events.conversation_key,
        labels.stage,
        events.sequence_number,
        events.source,
        events.event_id,
        events.occurred_at,
        events.seq,
        labels.classifier_kind,
        labels.confidence,
        labels.definition_hash
    from labels
    inner join events
        on
            labels.conversation_key = events.conversation_key
            and labels.evidence_source = events.source
            and labels.evidence_event_id = events.event_id

)

select * from stages_labelled
