-- One row per labelled conversation and stage: the label of its present content, by an LLM if one was asked.
{{ replace_affected('int_conversations_labelled', affected_key='stage_labelled_key') }}
with

sources as (

    select source, id_namespace
    from {{ ref('sources') }}

),

-- An LLM may have labelled the same content before: all its rows are searched, whatever their age; they are few.
labels as (

    select labels.*, sources.id_namespace || ':' || labels.conversation_id as conversation_key
    from {{ ref('stg_ledger__stage_labels') }} as labels
    inner join sources on labels.source = sources.source
    where labels.load_id > {{ built_through_load_id() }} or labels.classifier_kind = 'llm'

),

labels_affected as (

    select *
    from labels
    {% if not flags.FULL_REFRESH -%}
    where conversation_key in (select affected.stage_labelled_key from {{ ref('int_conversations_labelled') }} as affected)
    {%- endif %}

),

-- Every change of a conversation leads to a new labelling, so the newest labelling is one of its present content.
contents_marked as (

    select
        *,
        first_value(content_hash) over (partition by conversation_key order by load_id desc, source asc) as present_content_hash
    from labels_affected

),

labels_ranked as (

    select
        *,
        row_number() over (
            partition by conversation_key, stage
            order by
                case when classifier_kind = 'llm' then 1 else 2 end asc,
                load_id desc, labelled_at desc, definition_hash desc, source asc
        ) as labels_preferred
    from contents_marked
    where content_hash is not distinct from present_content_hash

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
    where labels_preferred = 1

)

select * from labels_chosen
