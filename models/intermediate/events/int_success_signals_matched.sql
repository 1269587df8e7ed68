-- One row per event of this run that seeds/success_signals.csv names, and strength it gives it.
with

events as (

    select conversation_key, sequence_number, source, event_id, event_type, occurred_at
    from {{ ref('int_events_affected') }}

),

success_signals as (

    select * from {{ ref('success_signals') }}

),

properties as (

    select * from {{ ref('int_event_properties_extracted') }}

),

signals_matched as (

    select distinct
        events.conversation_key, events.sequence_number, events.event_id, events.occurred_at,
        success_signals.strength, 'success_signal' as reason
    from events
    inner join success_signals
        on
            events.event_type = success_signals.event_type
            and (success_signals.source is null or events.source = success_signals.source)
    left join properties
        on
            events.conversation_key = properties.conversation_key
            and events.source = properties.source
            and events.event_id = properties.event_id
            and success_signals.property = properties.property_name
    where success_signals.property is null or properties.property_value = success_signals.value

)

select * from signals_matched
