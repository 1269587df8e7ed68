-- One row per accepted event of an agent platform; dimensions travel in its metadata.
with

landed as (

    select *
    from {{ source('raw', 'agent_events') }}

),

renamed as (

    select
        'agent_events' as source,
        event_id,
        conversation_id as conversation_id,
        user_id as user_id,
        event_type as source_event_type,
        landed.timestamp as occurred_at,
        property_channel as channel,
        property_agent as agent,
        property_environment as environment,
        property_device as device,
        property_language as language,
        property_traffic_source as traffic_source,
        {{ event_property_columns() }}
    from landed

)

select * from renamed
