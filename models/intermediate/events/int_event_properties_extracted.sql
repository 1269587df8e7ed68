-- One row per event of this run's conversations and property named in the configuration, where the event carries it.
{{ config(materialized='table') }}
with

properties_named as (

    select property as property_name
    from {{ ref('success_signals') }}
    where property is not null
    union
    select property as property_name
    from {{ ref('segment_dimensions') }}
    where property is not null

),

events_affected as (

    select source, event_id, conversation_key, occurred_at, properties
    from {{ ref('int_events_unioned') }}
    where {{ only_affected(ref('int_conversations_affected')) }}

),

properties_extracted as (

    select
        events_affected.conversation_key,
        events_affected.source,
        events_affected.event_id,
        properties_named.property_name,
        {{ property_text('events_affected.properties', 'properties_named.property_name') }} as property_value
    from events_affected
    cross join properties_named

)

select * from properties_extracted
where property_value is not null
