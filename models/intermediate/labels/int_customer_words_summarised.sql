-- One row per conversation with a customer message or a handoff: what the customer wants, minds, feels and repeats, and why it
-- went on or ended.
{{ replace_affected('int_conversations_affected') }}
with

-- Only these reasons are published. Any other reason is free text, which is not redacted.
reasons as (

    select distinct label
    from {{ ref('taxonomy') }}
    where kind = 'escalation_reason' and label <> 'none'

),

handoffs as (

    select
        events.conversation_key,
        coalesce(
            min(events.sequence_number) filter (where events.event_type = 'handoff_requested'), min(events.sequence_number)
        ) as handoff_sequence,
        min_by(reasons.label, events.sequence_number) filter (where reasons.label is not null) as stated_reason,
        min_by(events.event_id, events.sequence_number) filter (where reasons.label is not null) as stated_reason_event_id
    from {{ ref('int_events_affected') }} as events
    left join reasons on events.reason = reasons.label
    where events.event_type in ('handoff_requested', 'handoff_connected')
    group by events.conversation_key

),

-- A reason comes from one of the last two messages; an earlier message does not explain the end.
messages as (

    select
        events.conversation_key,
        events.event_id,
        events.sequence_number,
        labels.intent,
        labels.objection,
        labels.escalation_reason,
        labels.dropoff_reason,
        labels.sentiment,
        labels.is_rephrase,
        labels.is_repeat,
        events.sequence_number < handoffs.handoff_sequence and labels.escalation_reason <> 'unknown' and 2 >= row_number() over (
            partition by events.conversation_key, events.sequence_number < handoffs.handoff_sequence
            order by events.sequence_number desc
        ) as is_asking,
        labels.dropoff_reason <> 'unknown'
        and 2 >= row_number() over (partition by events.conversation_key order by events.sequence_number desc) as is_leaving
    from {{ ref('int_events_affected') }} as events
    left join handoffs on events.conversation_key = handoffs.conversation_key
    left join {{ ref('int_message_labels_chosen') }} as labels on events.source = labels.source and events.event_id = labels.event_id
    where events.event_type = 'user_message'

),

labels_found as (

    select conversation_key, 'intent' as kind, intent as label
    from messages
    union
    select conversation_key, 'objection' as kind, objection as label
    from messages

),

labels_listed as (

    select
        conversation_key,
        {{ ordered_text("case when kind = 'intent' then label end", 'label') }} as intents,
        {{ ordered_text("case when kind = 'objection' then label end", 'label') }} as objections
    from labels_found
    where label <> 'unknown'
    group by conversation_key

),

messages_summarised as (

    select
        conversation_key,
        case when count(intent) > 0 then 'unknown' end as unknown_label,
        max_by(escalation_reason, sequence_number) filter (where is_asking) as escalation_reason,
        max_by(event_id, sequence_number) filter (where is_asking) as escalation_reason_event_id,
        max_by(dropoff_reason, sequence_number) filter (where is_leaving) as dropoff_reason,
        max_by(event_id, sequence_number) filter (where is_leaving) as dropoff_reason_event_id,
        min_by(sentiment, sequence_number) filter (where sentiment is not null) as sentiment_start,
        max_by(sentiment, sequence_number) filter (where sentiment is not null) as sentiment_end,
        -- Exact: the last digit of a sum of doubles depends on the order of its rows, and later rounding increases the difference.
        cast(avg(cast(sentiment as decimal(10, 6))) as double) as sentiment_average,
        count(sentiment) as sentiment_count,
        count(is_rephrase) as compared_message_count,
        count(case when is_rephrase then 1 end) as rephrase_count,
        count(case when is_rephrase is not null and is_repeat then 1 end) as exact_repeat_count
    from messages
    group by conversation_key

),

words_summarised as (

    select
        coalesce(messages_summarised.conversation_key, handoffs.conversation_key) as conversation_key,
        coalesce(labels_listed.intents, messages_summarised.unknown_label) as intents,
        coalesce(labels_listed.objections, messages_summarised.unknown_label) as objections,
        coalesce(
            handoffs.stated_reason,
            messages_summarised.escalation_reason,
            case when handoffs.conversation_key is not null then 'unknown' end
        ) as escalation_reason,
        coalesce(handoffs.stated_reason_event_id, messages_summarised.escalation_reason_event_id) as escalation_reason_event_id,
        case
            when handoffs.stated_reason is not null then 'event' when messages_summarised.escalation_reason is not null then 'rule'
        end as escalation_reason_evidence_kind,
        messages_summarised.dropoff_reason,
        messages_summarised.dropoff_reason_event_id,
        handoffs.handoff_sequence,
        messages_summarised.sentiment_start,
        messages_summarised.sentiment_end,
        case
            when messages_summarised.sentiment_count >= 2 then messages_summarised.sentiment_end - messages_summarised.sentiment_start
        end as sentiment_trend,
        messages_summarised.sentiment_average,
        coalesce(messages_summarised.compared_message_count, 0) as compared_message_count,
        case when messages_summarised.compared_message_count > 0 then messages_summarised.rephrase_count end as rephrase_count,
        case when messages_summarised.compared_message_count > 0 then messages_summarised.exact_repeat_count end as exact_repeat_count
    from messages_summarised
    full outer join handoffs on messages_summarised.conversation_key = handoffs.conversation_key
    left join labels_listed on messages_summarised.conversation_key = labels_listed.conversation_key

)

select * from words_summarised
