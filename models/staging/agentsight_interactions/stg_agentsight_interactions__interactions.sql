-- One row per accepted widget initialisation, question or answer.
with

landed as (

    select *
    from {{ source('raw', 'agentsight_interactions') }}

),

renamed as (

    select
        'agentsight_interactions' as source,
        event_id,
        conversation_id as conversation_id,
        customer_id as user_id,
        event_type as source_event_type,
        landed.timestamp as occurred_at,
        property_channel as channel,
        property_agent as agent,
        environment as environment,
        device as device,
        language as language,
        source as traffic_source,
        {{ event_property_columns() }}
    from landed

)

select * from renamed
