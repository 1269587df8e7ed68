-- One row per conversation with a model named on an agent message: the one that wrote most, then by name.
with

model_messages_counted as (

    select conversation_key, model, count(*) as message_count
    from {{ ref('int_events_touched') }}
    where event_type = 'agent_message' and model is not null
    group by conversation_key, model

),

models_ranked as (

    select
        conversation_key,
        model,
        row_number() over (partition by conversation_key order by message_count desc, model asc) as model_rank
    from model_messages_counted

)

select conversation_key, model from models_ranked
where model_rank = 1
