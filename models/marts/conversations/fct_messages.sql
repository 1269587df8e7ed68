-- One row per message of a production conversation, with its text and what a customer's words show.
{{ replace_affected('int_conversations_affected') }}
with

messages as (

    select *
    from {{ ref('int_events_affected') }}
    where event_type in ('user_message', 'agent_message')

),

conversations as (

    select conversation_key, conversation_date
    from {{ ref('int_conversations') }}
    where environment = 'production'

),

message_texts as (

    select source, event_id, content
    from {{ ref('stg_messages__texts') }}
    where {{ not_before_affected(ref('int_conversations_affected'), 'occurred_at') }}

),

labels as (

    select *, 'user_message' as event_type
    from {{ ref('int_message_labels_chosen') }}

),

messages_with_text as (

    select
        messages.source || ':' || messages.event_id as message_key,
        messages.conversation_key,
        messages.source,
        messages.event_id,
        conversations.conversation_date,
        messages.sequence_number,
        messages.turn_number,
        messages.sender_role,
        messages.occurred_at,
        {{ milliseconds_between('lag(messages.occurred_at) over in_order', 'messages.occurred_at') }} as since_previous_message_ms,
        messages.model,
        message_texts.content,
        labels.sentiment,
        labels.intent,
        labels.objection,
        labels.rephrase_similarity,
        labels.is_rephrase,
        labels.is_repeat,
        labels.is_courtesy
    from messages
    inner join conversations on messages.conversation_key = conversations.conversation_key
    left join message_texts on messages.source = message_texts.source and messages.event_id = message_texts.event_id
    left join labels
        on
            messages.source = labels.source and messages.event_id = labels.event_id
            and messages.event_type = labels.event_type
    window in_order as (partition by messages.conversation_key order by messages.sequence_number)

)

select * from messages_with_text
