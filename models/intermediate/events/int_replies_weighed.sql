-- One row per message in which a customer speaks against what was claimed before it.
with

messages as (

    select conversation_key, sequence_number, source, event_id, occurred_at, silence_ms
    from {{ ref('int_events_affected') }}
    where event_type = 'user_message'

),

completions as (

    select conversation_key, completed_sequence
    from {{ ref('int_conversations_aggregated') }}
    where completed_sequence is not null

),

-- That it is not solved; anything but courtesy once the agent called it completed; and anything but courtesy after a silence that
-- closes a conversation.
replies_read as (

    select
        messages.conversation_key, messages.sequence_number, messages.event_id, messages.occurred_at,
        'contradiction' as strength,
        case
            when labels.escalation_reason in ('not_solved', 'not_understood') or labels.dropoff_reason = 'not_helped' then 'customer_denial'
            when labels.is_courtesy then null
            when messages.sequence_number > completions.completed_sequence then 'customer_message_after_completion'
            when messages.silence_ms > 60000 * {{ var('idle_minutes') }} then 'customer_returned'
        end as reason
    from messages
    left join completions on messages.conversation_key = completions.conversation_key
    left join {{ ref('int_message_labels_chosen') }} as labels on messages.source = labels.source and messages.event_id = labels.event_id

),

replies_weighed as (

    select * from replies_read
    where reason is not null

)

select * from replies_weighed
