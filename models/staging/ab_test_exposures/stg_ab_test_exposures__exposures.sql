-- One row per accepted exposure of a chat session to a variant.
with

landed as (

    select *
    from {{ source('raw', 'ab_test_exposures') }}

),

renamed as (

    select
        'ab_test_exposures' as source,
        event_id,
        session_id as conversation_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
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
