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

events_touched as (

    select source, event_id, conversation_key, occurred_at, properties
    from {{ ref('int_events_unioned') }}
    where {{ only_touched(ref('int_conversations_touched')) }}

),

properties_extracted as (

    select
        events_touched.conversation_key,
        events_touched.source,
        events_touched.event_id,
        properties_named.property_name,
        {{ property_text('events_touched.properties', 'properties_named.property_name') }} as property_value
    from events_touched
    cross join properties_named

)

select * from properties_extracted
where property_value is not null
