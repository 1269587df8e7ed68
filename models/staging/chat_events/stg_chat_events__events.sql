-- One row per accepted event of a chat widget; its session is the conversation.
with

landed as (

    select *
    from {{ source('raw', 'chat_events') }}

),

renamed as (

    select
        'chat_events' as source,
        event_id,
        session_id as conversation_id,
        user_id as user_id,
        event_type as source_event_type,
        landed.timestamp as occurred_at,
        channel as channel,
        property_agent as agent,
        property_environment as environment,
        property_device as device,
        property_language as language,
        property_traffic_source as traffic_source,
        {{ event_property_columns() }}
    from landed

)

select * from renamed
