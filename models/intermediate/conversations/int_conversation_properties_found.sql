-- One row per conversation and configured property: its first value in event order.
{{ replace_affected('int_conversations_affected') }}
with

properties as (

    select * from {{ ref('int_event_properties_extracted') }}

),

events as (

    select conversation_key, source, event_id, sequence_number
    from {{ ref('int_events_affected') }}

),

properties_found as (

    select
        properties.conversation_key,
        properties.property_name,
        min_by(properties.property_value, events.sequence_number) as property_value
    from properties
    inner join events
        on
            properties.conversation_key = events.conversation_key
            and properties.source = events.source
            and properties.event_id = events.event_id
    group by properties.conversation_key, properties.property_name

)

select * from properties_found
