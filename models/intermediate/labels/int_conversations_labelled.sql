-- One row per conversation that was labelled, or cost a call, since the last complete build.
{{ config(materialized='table') }}
with

labels as (

    select source, conversation_id
    from {{ ref('stg_ledger__stage_labels') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}
    union
    -- A call that failed brought no label and was paid for.
    select source, conversation_id
    from {{ ref('stg_ledger__llm_calls') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}

),

sources as (

    select source, id_namespace
    from {{ ref('sources') }}

),

conversations_labelled as (

    select distinct sources.id_namespace || ':' || labels.conversation_id as conversation_key
    from labels
    inner join sources on labels.source = sources.source

)

select * from conversations_labelled
