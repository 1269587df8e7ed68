-- One row per conversation with an event that landed, or an operation that changed it, since the last complete build.
{{ config(materialized='table') }}

{%- set known_before = relation_before('intermediate', 'int_conversations') %}
{%- set is_increment = 'false' if flags.FULL_REFRESH else 'true' %}
with

newly_landed as (

    select conversation_key, min(occurred_at) as first_event_at
    from {{ ref('int_events_unioned') }}
    where load_id > {{ built_through_load_id() }} and {{ is_increment }}
    group by conversation_key

),

repaired as (

    select distinct sources.id_namespace || ':' || repaired_conversations.conversation_id as conversation_key
    from {{ source('raw', 'repaired_conversations') }} as repaired_conversations
    inner join {{ ref('sources') }} as sources on repaired_conversations.source = sources.source
    where repaired_conversations.load_id > {{ built_through_load_id() }} and {{ is_increment }}

),

-- Repaired conversations have no new events: their first new event is set after every event, so that no model reads more rows.
news_united as (

    select conversation_key, first_event_at from newly_landed
    union all
    select conversation_key, timestamp '9999-12-31 00:00:00' as first_event_at from repaired

),

news_merged as (

    select conversation_key, min(first_event_at) as first_event_at
    from news_united
    group by conversation_key

),

known_starts as (

    {% if known_before -%}
    select conversation_key, first_event_at from {{ known_before }}
    {%- else -%}
    select conversation_key, first_event_at from newly_landed
    {%- endif %}

),

-- A conversation may have earlier events than those that have just landed.
starts_extended as (

    select
        news_merged.conversation_key,
        least(news_merged.first_event_at, coalesce(known_starts.first_event_at, news_merged.first_event_at)) as first_event_at
    from news_merged
    left join known_starts on news_merged.conversation_key = known_starts.conversation_key

)

select * from starts_extended
