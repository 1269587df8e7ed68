-- One row per accepted event of any source, in canonical words.
with

events_of_all_sources as (

    select * from {{ ref('stg_events__events') }}
    union all
    select * from {{ ref('stg_agent_events__events') }}
    union all
    select * from {{ ref('stg_chat_events__events') }}
    union all
    select * from {{ ref('stg_ab_test_exposures__exposures') }}
    union all
    select * from {{ ref('stg_sales_events__events') }}
    union all
    select * from {{ ref('stg_agentsight_interactions__interactions') }}

),

-- The role an event states comes before what its type suggests: message_received is the prospect's message in one
-- source and the agent's in another.
events_translated as (

    select
        events_of_all_sources.*,
        sources.id_namespace,
        sources.id_namespace || ':' || events_of_all_sources.conversation_id as conversation_key,
        coalesce(lower(nullif(events_of_all_sources.environment, '')), nullif(sources.default_environment, '')) as stated_environment,
        coalesce(events_of_all_sources.question_kind, sources.feedback_question_kind) as feedback_question_kind,
        coalesce(events_of_all_sources.rating_type, sources.default_rating_type) as feedback_rating_type,
        coalesce(event_type_aliases.event_type, events_of_all_sources.source_event_type) as translated_event_type,
        coalesce(
            sender_roles.sender_role,
            event_type_aliases.sender_role,
            case events_of_all_sources.source_event_type when 'user_message' then 'customer' when 'agent_message' then 'agent' end
        ) as sender_role
    from events_of_all_sources
    inner join {{ ref('sources') }} as sources on events_of_all_sources.source = sources.source
    left join {{ ref('event_type_aliases') }} as event_type_aliases
        on
            events_of_all_sources.source = event_type_aliases.source
            and events_of_all_sources.source_event_type = event_type_aliases.source_event_type
    left join {{ ref('sender_roles') }} as sender_roles on events_of_all_sources.role = sender_roles.role

),

events_directed as (

    select
        source,
        event_id,
        id_namespace,
        conversation_key,
        conversation_id,
        nullif(user_id, '') as user_id,
        case
            when translated_event_type not in ('user_message', 'agent_message') then translated_event_type
            when sender_role = 'customer' then 'user_message'
            when sender_role = 'agent' then 'agent_message'
            else translated_event_type
        end as event_type,
        occurred_at,
        seq,
        nullif(channel, '') as channel,
        nullif(agent, '') as agent,
        stated_environment as environment,
        nullif(device, '') as device,
        nullif(language, '') as language,
        nullif(traffic_source, '') as traffic_source,
        sender_role,
        tool_name,
        reason,
        is_error,
        is_write,
        nullif(model, '') as model,
        rating,
        feedback_rating_type,
        feedback_question_kind,
        nullif(goal, '') as goal,
        conversion_value,
        nullif(page_url, '') as page_url,
        flow_name,
        experiment_name,
        variant,
        is_control,
        qualification_score,
        tokens_in,
        tokens_out,
        tokens_cached,
        cost_usd,
        properties,
        load_id,
        loaded_at
    from events_translated

)

select * from events_directed
