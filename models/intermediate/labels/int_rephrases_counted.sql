-- One row per conversation with a customer message that was compared with the one before it: how often it says that again.
{{ replace_touched('int_conversations_touched') }}
with

messages as (

    select events.conversation_key, labels.is_rephrase, labels.is_repeat
    from {{ ref('int_events_touched') }} as events
    inner join {{ ref('int_message_labels_chosen') }} as labels on events.source = labels.source and events.event_id = labels.event_id
    where events.event_type = 'user_message' and labels.is_rephrase is not null

),

rephrases_counted as (

    select
        conversation_key,
        count(*) as compared_message_count,
        count(case when is_rephrase then 1 end) as rephrase_count,
        count(case when is_repeat then 1 end) as exact_repeat_count
    from messages
    group by conversation_key

)

select * from rephrases_counted
