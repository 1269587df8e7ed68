-- One row per conversation with an event that landed since the last complete build; none on a full refresh.
{{ config(materialized='table') }}

{%- set known_before = relation_before('intermediate', 'int_conversations') %}
with

newly_landed as (

    select conversation_key, min(occurred_at) as first_event_at
    from {{ ref('int_events_unioned') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}
    group by conversation_key

),

known_starts as (

    {% if known_before -%}
    select conversation_key, first_event_at from {{ known_before }}
    {%- else -%}
    select conversation_key, first_event_at from newly_landed
    {%- endif %}

),

-- What is known of a conversation may start before what has just landed of it.
starts_extended as (

    select
        newly_landed.conversation_key,
        least(newly_landed.first_event_at, coalesce(known_starts.first_event_at, newly_landed.first_event_at)) as first_event_at
    from newly_landed
    left join known_starts on newly_landed.conversation_key = known_starts.conversation_key

)

select * from starts_extended
