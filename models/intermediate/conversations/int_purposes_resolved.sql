-- One row per conversation of this run: what it is for.
with

conversations as (

    select conversation_key, source, agent
    from {{ ref('int_conversations_aggregated') }}

),

purposes as (

    select * from {{ ref('purposes') }}

),

purposes_resolved as (

    select
        conversations.conversation_key,
        coalesce(purposes_of_agent.purpose, purposes_of_source.purpose, 'support') as purpose
    from conversations
    left join purposes as purposes_of_agent
        on conversations.source = purposes_of_agent.source and conversations.agent = purposes_of_agent.agent
    left join purposes as purposes_of_source
        on conversations.source = purposes_of_source.source and purposes_of_source.agent is null

)

select * from purposes_resolved
