-- One row per answer of a person about a conversation and stage.
with

human_labels as (

    select * from {{ source('ledger', 'human_labels') }}

),

renamed as (

    select
        source,
        conversation_id,
        stage,
        reached as is_reached,
        content_hash,
        _load_id as load_id
    from human_labels

)

select * from renamed
