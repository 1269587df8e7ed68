-- One row per conversation this run works on: landed, changed by an operation or labelled since the last complete build.
{{ config(materialized='table') }}

{%- set known_before = relation_before('intermediate', 'int_conversations') %}
with

landed as (

    select conversation_key, first_event_at
    from {{ ref('int_conversations_landed') }}

),

labelled as (

    select conversation_key
    from {{ ref('int_conversations_labelled') }}

),

-- A label has no event. A new label whose conversation did not land belongs to a conversation built before.
known_starts as (

    {% if known_before -%}
    select conversation_key, first_event_at from {{ known_before }}
    {%- else -%}
    select conversation_key, first_event_at from landed
    {%- endif %}

),

affected as (

    select conversation_key, first_event_at from landed
    union all
    select labelled.conversation_key, known_starts.first_event_at
    from labelled
    inner join known_starts on labelled.conversation_key = known_starts.conversation_key

),

conversations_affected as (

    select conversation_key, min(first_event_at) as first_event_at
    from affected
    group by conversation_key

)

select * from conversations_affected
