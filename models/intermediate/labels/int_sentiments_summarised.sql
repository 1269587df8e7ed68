-- One row per conversation with a customer message whose sentiment is known: how it began, ended and was on average.
{{ replace_touched('int_conversations_touched') }}
with

messages as (

    select events.conversation_key, events.sequence_number, labels.sentiment
    from {{ ref('int_events_touched') }} as events
    inner join {{ ref('int_message_labels_chosen') }} as labels on events.source = labels.source and events.event_id = labels.event_id
    where events.event_type = 'user_message' and labels.sentiment is not null

),

sentiments_summarised as (

    select
        conversation_key,
        min_by(sentiment, sequence_number) as sentiment_start,
        max_by(sentiment, sequence_number) as sentiment_end,
        case when count(*) >= 2 then max_by(sentiment, sequence_number) - min_by(sentiment, sequence_number) end as sentiment_trend,
        -- Exact: a sum of doubles differs in its last digit by the order of its rows, and what is rounded later by more.
        cast(avg(cast(sentiment as decimal(10, 6))) as double) as sentiment_average
    from messages
    group by conversation_key

)

select * from sentiments_summarised
