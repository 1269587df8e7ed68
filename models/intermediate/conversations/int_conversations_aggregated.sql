-- One row per conversation id of this run: dimensions, counts and moments, from its own events only.
{{ config(materialized='table') }}
with

events_touched as (

    select
        *,
        event_type not in ('interaction_initialized', 'experiment_exposure') as is_conversation_event,
        event_type = 'conversation_started' or is_interaction as is_start,
        event_type in ('user_message', 'flow_started')
        or (event_type = 'button_clicked' and sender_role is distinct from 'agent') as is_engagement
    from {{ ref('int_events_touched') }}

),

conversations_aggregated as (

    select
        conversation_key,
        min(id_namespace) as id_namespace,
        min(conversation_id) as conversation_id,
        -- An exposure before the chat comes from another source and knows nothing of its environment.
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
        min(occurred_at) filter (where event_type = 'agent_message') as first_agent_message_at,
        min(occurred_at) filter (where event_type = 'handoff_requested') as handoff_requested_at,
        min(occurred_at) filter (where event_type = 'handoff_connected') as handoff_connected_at,
        min(occurred_at) filter (where event_type = 'conversation_completed') as completed_at,
        max(qualification_score) as qualification_score,

        -- the events that show it: by their place in the conversation, because sources in one namespace may share event ids
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
    from events_touched
    group by conversation_key

)

select * from conversations_aggregated
