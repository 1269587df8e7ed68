-- One row per conversation id: dimensions, counts, moments, its end and its purpose, from its own events only.
{{ replace_affected('int_conversations_landed') }}
with

events_landed as (

    select
        *,
        event_type not in ('interaction_initialized', 'experiment_exposure') as is_conversation_event,
        event_type = 'conversation_started' or is_interaction as is_start,
        coalesce(silence_ms > 60000 * {{ var('idle_minutes') }}, false) as ends_silence,
        event_type in ('user_message', 'flow_started')
        or (event_type = 'button_clicked' and sender_role is distinct from 'agent') as is_engagement
    from {{ ref('int_events') }}
    where {{ only_affected(ref('int_conversations_landed')) }}

),

conversations_aggregated as (

    select
        conversation_key,
        min(id_namespace) as id_namespace,
        min(conversation_id) as conversation_id,
        -- An exposure before the chat comes from another source, which does not state the environment.
        coalesce(min_by(source, sequence_number) filter (where is_conversation_event), min_by(source, sequence_number)) as source,

        -- dimensions: the first value in event order
        min_by(user_id, sequence_number) filter (where user_id is not null) as user_id,
        min_by(agent, sequence_number) filter (where agent is not null) as agent,
        min_by(channel, sequence_number) filter (where channel is not null) as channel,
        min_by(device, sequence_number) filter (where device is not null) as device,
        min_by(language, sequence_number) filter (where language is not null) as language,
        coalesce(
            min_by(environment, sequence_number) filter (where environment is not null and is_conversation_event),
            min_by(environment, sequence_number) filter (where environment is not null)
        ) as environment,
        min_by(traffic_source, sequence_number) filter (where traffic_source is not null) as traffic_source,
        min_by(page_url, sequence_number) filter (where page_url is not null) as page_url,

        -- moments
        min(occurred_at) as first_event_at,
        max(occurred_at) as last_event_at,
        min(occurred_at) filter (where event_type = 'interaction_initialized') as initialised_at,
        coalesce(
            min(occurred_at) filter (where is_start), min(occurred_at) filter (where is_conversation_event)
        ) as started_at,
        min(occurred_at) filter (where is_engagement) as engaged_at,
        min(occurred_at) filter (where is_interaction) as first_interaction_at,
        max(occurred_at) filter (where is_interaction) as last_interaction_at,
        min(occurred_at) filter (where event_type in ('user_message', 'agent_message')) as first_message_at,
        max(occurred_at) filter (where event_type in ('user_message', 'agent_message')) as last_message_at,
        min(sequence_number) filter (where event_type in ('user_message', 'agent_message')) as first_message_sequence,
        max(sequence_number) filter (where event_type in ('user_message', 'agent_message')) as last_message_sequence,
        min(occurred_at) filter (where event_type = 'agent_message') as first_agent_message_at,
        min(occurred_at) filter (where event_type = 'handoff_requested') as handoff_requested_at,
        min(occurred_at) filter (where event_type = 'handoff_connected') as handoff_connected_at,
        min(occurred_at) filter (where event_type = 'conversation_completed') as completed_at,
        max(qualification_score) as qualification_score,

        -- the events that show the outcome: by position in the conversation, because sources in one namespace may share event ids
        coalesce(
            min(sequence_number) filter (where is_start), min(sequence_number) filter (where is_conversation_event)
        ) as started_sequence,
        min(sequence_number) filter (where event_type = 'interaction_initialized') as initialised_sequence,
        min(sequence_number) filter (where is_engagement) as engaged_sequence,
        min(sequence_number) filter (where event_type = 'user_message') as first_user_message_sequence,
        min(sequence_number) filter (where event_type = 'agent_message') as first_agent_message_sequence,
        min(sequence_number) filter (where event_type = 'conversation_completed') as completed_sequence,
        max(sequence_number) filter (where is_interaction) as last_interaction_sequence,
        max_by(event_id, sequence_number) as last_event_id,
        max_by(event_id, sequence_number) filter (where is_interaction) as last_interaction_event_id,
        min_by(event_id, sequence_number) filter (where event_type = 'handoff_requested') as handoff_requested_event_id,
        min_by(event_id, sequence_number) filter (where event_type = 'handoff_connected') as handoff_connected_event_id,

        -- counts
        count(case when ends_silence then 1 end) + coalesce(max(case when is_interaction then 1 end), 0) as session_count,
        coalesce(cast(sum(case when ends_silence then silence_ms end) as bigint), 0) as silent_ms,
        count(case when event_type = 'user_message' then 1 end) as user_message_count,
        count(case when event_type = 'agent_message' then 1 end) as agent_message_count,
        count(case when event_type = 'tool_called' then 1 end) as tool_call_count,
        count(case when is_tool_error then 1 end) as tool_error_count,
        count(case when event_type = 'fallback_triggered' then 1 end) as fallback_count,
        count(case when event_type = 'conversion' then 1 end) as conversion_count,
        count(distinct case when event_type = 'fallback_triggered' then turn_number end) as fallback_turn_count,
        count(distinct case when event_type in ('fallback_triggered', 'agent_message') then turn_number end)
            as answered_turn_count,

        bool_or(is_conversation_event) as has_conversation_event,
        bool_or(is_engagement) as is_engaged
    from events_landed
    group by conversation_key

),

model_messages_counted as (

    select conversation_key, model, count(*) as message_count
    from events_landed
    where event_type = 'agent_message' and model is not null
    group by conversation_key, model

),

models_ranked as (

    select
        conversation_key,
        model,
        row_number() over (partition by conversation_key order by message_count desc, model asc) as model_rank
    from model_messages_counted

),

-- An end stands when no interaction came after it. A reply counts only after the customer's first message: a greeting sent
-- before it is not a response.
events_placed as (

    select
        events_landed.*,
        events_landed.event_type in ('conversation_completed', 'conversation_ended', 'conversation_abandoned')
        and events_landed.sequence_number > coalesce(conversations_aggregated.last_interaction_sequence, 0) as is_standing_end,
        events_landed.event_type = 'agent_message'
        and events_landed.sequence_number > conversations_aggregated.first_user_message_sequence as is_reply,
        events_landed.ends_silence and events_landed.sequence_number > conversations_aggregated.first_message_sequence
        and events_landed.sequence_number <= conversations_aggregated.last_message_sequence as ends_silence_of_messages
    from events_landed
    inner join conversations_aggregated on events_landed.conversation_key = conversations_aggregated.conversation_key

),

ends_and_replies_found as (

    select
        conversation_key,
        min(occurred_at) filter (where is_standing_end) as explicit_end_at,
        min_by(event_id, sequence_number) filter (where is_standing_end) as end_event_id,
        min_by(event_id, sequence_number) filter (where is_standing_end and event_type = 'conversation_abandoned') as abandoned_event_id,
        min(occurred_at) filter (where event_type = 'user_message') as asked_at,
        min(occurred_at) filter (where is_reply) as replied_at,
        coalesce(cast(sum(case when ends_silence_of_messages then silence_ms end) as bigint), 0) as silent_between_messages_ms
    from events_placed
    group by conversation_key

),

conversations_described as (

    select
        conversations_aggregated.*,
        models_ranked.model,
        coalesce(purposes_of_agent.purpose, purposes_of_source.purpose, 'support') as purpose,
        found.explicit_end_at,
        found.end_event_id,
        found.abandoned_event_id,
        {{ milliseconds_between('found.asked_at', 'found.replied_at') }} as first_response_ms,
        found.silent_between_messages_ms,
        -- An id that was only shown never started; it closes when nothing followed the widget for as long.
        greatest(
            coalesce(conversations_aggregated.started_at, conversations_aggregated.first_event_at),
            coalesce(
                conversations_aggregated.last_interaction_at, conversations_aggregated.started_at, conversations_aggregated.first_event_at
            )
        ) as last_activity_at
    from conversations_aggregated
    inner join ends_and_replies_found as found on conversations_aggregated.conversation_key = found.conversation_key
    left join models_ranked on conversations_aggregated.conversation_key = models_ranked.conversation_key and models_ranked.model_rank = 1
    left join {{ ref('purposes') }} as purposes_of_agent
        on conversations_aggregated.source = purposes_of_agent.source and conversations_aggregated.agent = purposes_of_agent.agent
    left join {{ ref('purposes') }} as purposes_of_source
        on conversations_aggregated.source = purposes_of_source.source and purposes_of_source.agent is null

),

closing_moments_derived as (

    select
        *,
        coalesce(explicit_end_at, {{ add_minutes('last_activity_at', var('idle_minutes')) }}) as closes_at
    from conversations_described

)

select * from closing_moments_derived
