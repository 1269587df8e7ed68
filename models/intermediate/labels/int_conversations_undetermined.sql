-- One row per closed support conversation of production of which no event shows whether the problem was solved.
with

funnel_stages as (

    select * from {{ ref('funnel_stages') }}

),

resolving_signals as (

    select distinct signals.signal as event_type
    from funnel_stages as signals
    where
        signals.signal_kind = 'event'
        and exists (
            select 1 from funnel_stages as labels
            where
                labels.funnel = signals.funnel and labels.stage_order = signals.stage_order
                and labels.signal_kind = 'label' and labels.signal = 'resolved'
        )

),

-- A proof that depends on a property is left out: that costs at most one unnecessary call.
proving_signals as (

    select distinct event_type, source
    from {{ ref('success_signals') }}
    where strength = 'proof' and property is null

),

-- An answer determines the outcome: a positive one proves it, a negative one refutes what a text infers.
conversations_determined as (

    select distinct events.conversation_key
    from {{ ref('int_events') }} as events
    left join resolving_signals on events.event_type = resolving_signals.event_type
    left join proving_signals
        on
            events.event_type = proving_signals.event_type
            and (proving_signals.source is null or events.source = proving_signals.source)
    where
        events.event_type = 'conversion'
        or (events.event_type = 'feedback_received' and events.feedback_question_kind = 'solved' and events.rating is not null)
        or coalesce(resolving_signals.event_type, proving_signals.event_type) is not null

),

conversations_undetermined as (

    select conversations.conversation_key, conversations.first_event_at
    from {{ ref('int_conversations_aggregated') }} as conversations
    inner join {{ ref('int_watermarks_measured') }} as watermarks on conversations.id_namespace = watermarks.id_namespace
    left join conversations_determined on conversations.conversation_key = conversations_determined.conversation_key
    where
        conversations.environment = 'production'
        and conversations.purpose = 'support'
        and conversations.last_interaction_at is not null
        and (conversations.explicit_end_at is not null or conversations.closes_at <= watermarks.watermark_at)
        and conversations_determined.conversation_key is null

)

select * from conversations_undetermined
