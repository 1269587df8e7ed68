-- One row per accepted event of the default source.
with

landed as (

    select *
    from {{ source('raw', 'events') }}

),

renamed as (

    select
        'events' as source,
        event_id,
        conversation_id as conversation_id,
        user_id as user_id,
        event_type as source_event_type,
        landed.timestamp as occurred_at,
        channel as channel,
        agent as agent,
        environment as environment,
        device as device,
        language as language,
        property_traffic_source as traffic_source,
        {{ event_property_columns() }}
    from landed

)

select * from renamed
