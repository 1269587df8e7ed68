-- One row per labelling and customer message: its sentiment, and the labels its words show.
with

message_labels as (

    select * from {{ source('ledger', 'message_labels') }}

),

renamed as (

    select
        source,
        event_id,
        conversation_id,
        sentiment,
        intent,
        objection,
        escalation_reason,
        dropoff_reason,
        rephrase_similarity,
        is_rephrase,
        is_repeat,
        is_courtesy,
        labelled_at,
        _load_id as load_id
    from message_labels

)

select * from renamed
