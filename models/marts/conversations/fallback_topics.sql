-- One row per date and topic (the customer's last known intent before a fallback): the 10 topics that led to most.
{{ replace_affected('int_dates_affected', key='date') }}
with

conversations as (

    select
        conversation_key,
        conversation_date as date,
        -- An unknown user counts as a new one in every conversation.
        coalesce(id_namespace || ':' || user_id, conversation_key) as user_key
    from {{ ref('fct_conversations') }}
    where fallback_count > 0 and {{ only_affected_dates('conversation_date') }}

),

-- Turn t begins with the t-th customer message, so that is the last before any fallback in it.
turns_with_fallback as (

    select distinct conversations.conversation_key, conversations.date, conversations.user_key, events.turn_number
    from {{ ref('int_events') }} as events
    inner join conversations on events.conversation_key = conversations.conversation_key
    where events.event_type = 'fallback_triggered'

),

-- What the agent did not understand is seldom understood by the labels: the topic is what the customer said before.
messages_ranked as (

    select
        turns.*,
        coalesce(messages.intent, '(none)') as intent,
        row_number() over (
            partition by turns.conversation_key, turns.turn_number
            order by coalesce(messages.intent, 'unknown') = 'unknown', messages.turn_number desc
        ) as message_rank
    from turns_with_fallback as turns
    left join {{ ref('fct_messages') }} as messages
        on
            turns.conversation_key = messages.conversation_key and turns.turn_number >= messages.turn_number
            and messages.sender_role = 'customer'

),

fallbacks as (

    select date, conversation_key, user_key, intent
    from messages_ranked
    where message_rank = 1

),

intents_ranked as (

    select
        date,
        intent,
        row_number() over (partition by date order by count(distinct conversation_key) desc, intent) as topic_rank
    from fallbacks
    group by date, intent
    having count(distinct user_key) >= 5

),

-- A topic of few people could identify them: it is counted with the rest, or not shown.
topics_counted as (

    select
        fallbacks.date,
        case when intents_ranked.topic_rank <= 10 then fallbacks.intent else 'other' end as topic,
        count(*) as turn_count,
        count(distinct fallbacks.conversation_key) as conversation_count,
        count(distinct fallbacks.user_key) as user_count
    from fallbacks
    left join intents_ranked on fallbacks.date = intents_ranked.date and fallbacks.intent = intents_ranked.intent
    group by fallbacks.date, case when intents_ranked.topic_rank <= 10 then fallbacks.intent else 'other' end

)

select * from topics_counted
where user_count >= 5
