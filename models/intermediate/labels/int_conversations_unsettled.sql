-- One row per closed support conversation of production of which no event says whether the problem was solved.
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

-- A proof that hangs on a property is left out: that costs at most a needless question.
proving_signals as (

    select distinct event_type, source
    from {{ ref('success_signals') }}
    where strength = 'proof' and property is null

),

-- An answer settles it either way: a positive one proves, a negative one refuses whatever a text infers.
events_judged as (

    select
        events.*,
        events.event_type not in ('interaction_initialized', 'experiment_exposure') as is_conversation_event,
        events.event_type in ('conversation_completed', 'conversation_ended', 'conversation_abandoned') as is_end,
        events.event_type = 'conversion'
        or (events.event_type = 'feedback_received' and events.feedback_question_kind = 'solved' and events.rating is not null)
        or coalesce(resolving_signals.event_type, proving_signals.event_type) is not null as is_settling
    from {{ ref('int_events') }} as events
    left join resolving_signals on events.event_type = resolving_signals.event_type
    left join proving_signals
        on
            events.event_type = proving_signals.event_type
            and (proving_signals.source is null or events.source = proving_signals.source)

),

conversations_summarised as (

    select
        conversation_key,
        min(id_namespace) as id_namespace,
        min_by(source, sequence_number) filter (where is_conversation_event) as source,
        min_by(agent, sequence_number) filter (where agent is not null) as agent,
        min_by(environment, sequence_number) filter (where environment is not null and is_conversation_event) as environment,
        min(occurred_at) as first_event_at,
        max(occurred_at) filter (where is_interaction) as last_interaction_at,
        max(sequence_number) filter (where is_end) > max(sequence_number) filter (where is_interaction) as has_end
    from events_judged
    group by conversation_key
    having count(case when is_interaction then 1 end) > 0 and not bool_or(is_settling)

),

conversations_unsettled as (

    select summarised.conversation_key, summarised.first_event_at
    from conversations_summarised as summarised
    inner join {{ ref('int_watermarks_measured') }} as watermarks on summarised.id_namespace = watermarks.id_namespace
    left join {{ ref('purposes') }} as purposes_of_agent
        on summarised.source = purposes_of_agent.source and summarised.agent = purposes_of_agent.agent
    left join {{ ref('purposes') }} as purposes_of_source
        on summarised.source = purposes_of_source.source and purposes_of_source.agent is null
    where
        summarised.environment = 'production'
        and coalesce(purposes_of_agent.purpose, purposes_of_source.purpose, 'support') = 'support'
        and (
            coalesce(summarised.has_end, false)
            or {{ add_minutes('summarised.last_interaction_at', var('idle_minutes')) }} <= watermarks.watermark_at
        )

)

select * from conversations_unsettled
