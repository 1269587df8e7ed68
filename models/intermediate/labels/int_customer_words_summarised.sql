-- One row per conversation with a customer message or a handoff: what the customer wants and minds, and why it went on or ended.
{{ replace_touched('int_conversations_touched') }}
with

handoffs as (

    select * from {{ ref('int_handoffs_explained') }}

),

-- A reason is one of the last two messages: what somebody said long before is not why.
messages as (

    select
        events.conversation_key,
        events.event_id,
        events.sequence_number,
        labels.intent,
        labels.objection,
        labels.escalation_reason,
        labels.dropoff_reason,
        events.sequence_number < handoffs.handoff_sequence and labels.escalation_reason <> 'unknown' and 2 >= row_number() over (
            partition by events.conversation_key, events.sequence_number < handoffs.handoff_sequence
            order by events.sequence_number desc
        ) as is_asking,
        labels.dropoff_reason <> 'unknown'
        and 2 >= row_number() over (partition by events.conversation_key order by events.sequence_number desc) as is_leaving
    from {{ ref('int_events_touched') }} as events
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

reasons_given as (

    select
        conversation_key,
        case when count(intent) > 0 then 'unknown' end as unknown_label,
        max_by(escalation_reason, sequence_number) filter (where is_asking) as escalation_reason,
        max_by(event_id, sequence_number) filter (where is_asking) as escalation_reason_event_id,
        max_by(dropoff_reason, sequence_number) filter (where is_leaving) as dropoff_reason,
        max_by(event_id, sequence_number) filter (where is_leaving) as dropoff_reason_event_id
    from messages
    group by conversation_key

),

words_summarised as (

    select
        coalesce(reasons_given.conversation_key, handoffs.conversation_key) as conversation_key,
        coalesce(labels_listed.intents, reasons_given.unknown_label) as intents,
        coalesce(labels_listed.objections, reasons_given.unknown_label) as objections,
        coalesce(
            handoffs.stated_reason, reasons_given.escalation_reason, case when handoffs.conversation_key is not null then 'unknown' end
        ) as escalation_reason,
        coalesce(handoffs.stated_reason_event_id, reasons_given.escalation_reason_event_id) as escalation_reason_event_id,
        case
            when handoffs.stated_reason is not null then 'event' when reasons_given.escalation_reason is not null then 'rule'
        end as escalation_reason_evidence_kind,
        reasons_given.dropoff_reason,
        reasons_given.dropoff_reason_event_id
    from reasons_given
    full outer join handoffs on reasons_given.conversation_key = handoffs.conversation_key
    left join labels_listed on reasons_given.conversation_key = labels_listed.conversation_key

)

select * from words_summarised
