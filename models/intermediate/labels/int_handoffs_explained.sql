-- One row per conversation of this run with a handoff: where it came, and why in the words of its source.
with

handoffs as (

    select *
    from {{ ref('int_events_touched') }}
    where event_type in ('handoff_requested', 'handoff_connected')

),

-- In other words than these a reason is free text, which nobody has redacted.
reasons as (

    select distinct label
    from {{ ref('taxonomy') }}
    where kind = 'escalation_reason' and label <> 'none'

),

handoffs_explained as (

    select
        handoffs.conversation_key,
        coalesce(
            min(handoffs.sequence_number) filter (where handoffs.event_type = 'handoff_requested'), min(handoffs.sequence_number)
        ) as handoff_sequence,
        min_by(reasons.label, handoffs.sequence_number) filter (where reasons.label is not null) as stated_reason,
        min_by(handoffs.event_id, handoffs.sequence_number) filter (where reasons.label is not null) as stated_reason_event_id
    from handoffs
    left join reasons on handoffs.reason = reasons.label
    group by handoffs.conversation_key

)

select * from handoffs_explained
