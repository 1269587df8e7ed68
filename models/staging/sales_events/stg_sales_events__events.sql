-- One row per accepted event of a sales conversation, CRM outcomes included.
with

landed as (

    select *
    from {{ source('raw', 'sales_events') }}

),

renamed as (

    select
        'sales_events' as source,
        event_id,
        conversation_id as conversation_id,
        {{ property_text('properties', "'user_id'") }} as user_id,
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
