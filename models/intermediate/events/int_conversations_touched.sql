-- One row per conversation with an event that landed since the last complete build; none on a full refresh.
{{ config(materialized='table') }}

{%- set known_conversations = adapter.get_relation(this.database, this.schema, 'int_conversations') %}
with

newly_landed as (

    select conversation_key, min(occurred_at) as first_event_at
    from {{ ref('int_events_unioned') }}
    where load_id > {{ built_through_load_id() }} and {{ 'false' if flags.FULL_REFRESH else 'true' }}
    group by conversation_key

),

-- What is known of a conversation may start before what has just landed of it.
starts_extended as (

    select
        newly_landed.conversation_key,
        {% if known_conversations and not flags.FULL_REFRESH -%}
        least(newly_landed.first_event_at, coalesce(known.first_event_at, newly_landed.first_event_at)) as first_event_at
        {%- else -%}
        newly_landed.first_event_at
        {%- endif %}
    from newly_landed
    {% if known_conversations and not flags.FULL_REFRESH -%}
    left join {{ known_conversations }} as known on newly_landed.conversation_key = known.conversation_key
    {%- endif %}

)

select * from starts_extended
