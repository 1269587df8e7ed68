-- One row per call of a language model about a conversation, answered or not.
with

llm_calls as (

    select * from {{ source('ledger', 'llm_calls') }}

),

renamed as (

    select
        source,
        conversation_id,
        cost_usd,
        _load_id as load_id
    from llm_calls
    where conversation_id is not null

)

select * from renamed
