-- One row per conversation of which a stage or a message was labelled, or that cost a call, since the last complete build.
{{ config(materialized='table') }}
with

labels as (

    select source, conversation_id, true as is_of_stages
    from {{ ref('stg_ledger__stage_labels') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}
    union
    -- A call has a cost. One that failed has no label: those of the conversation stand.
    select source, conversation_id, false as is_of_stages
    from {{ ref('stg_ledger__llm_calls') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}
    union
    select source, conversation_id, false as is_of_stages
    from {{ ref('stg_ledger__message_labels') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}

),

labels_by_conversation as (

    select sources.id_namespace || ':' || labels.conversation_id as conversation_key, labels.is_of_stages
    from labels
    inner join {{ ref('sources') }} as sources on labels.source = sources.source

),

conversations_labelled as (

    select conversation_key, case when bool_or(is_of_stages) then conversation_key end as stage_labelled_key
    from labels_by_conversation
    group by conversation_key

)

select * from conversations_labelled
