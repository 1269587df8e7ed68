-- Conversations whose message counts are not the number of their rows in fct_messages, by sender.
{{ config(meta={'dagster': {'ref': {'name': 'fct_messages'}}}) }}
with

messages_counted as (

    select
        conversation_key,
        count(case when sender_role = 'customer' then 1 end) as user_message_count,
        count(case when sender_role = 'agent' then 1 end) as agent_message_count
    from {{ ref('fct_messages') }}
    where {{ only_built(ref('int_conversations_affected')) }}
    group by conversation_key

),

conversations as (

    select conversation_key, user_message_count, agent_message_count
    from {{ ref('fct_conversations') }}
    where {{ only_built(ref('int_conversations_affected')) }}

)

select
    coalesce(conversations.conversation_key, messages_counted.conversation_key) as conversation_key,
    conversations.user_message_count as user_messages_stated,
    messages_counted.user_message_count as user_messages_held,
    conversations.agent_message_count as agent_messages_stated,
    messages_counted.agent_message_count as agent_messages_held
from conversations
full outer join messages_counted on conversations.conversation_key = messages_counted.conversation_key
where
    coalesce(conversations.user_message_count, -1) <> coalesce(messages_counted.user_message_count, 0)
    or coalesce(conversations.agent_message_count, -1) <> coalesce(messages_counted.agent_message_count, 0)
