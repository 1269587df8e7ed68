-- One row per conversation whose facts this run may change: touched, or carried over a deadline by the watermark.
{{ config(materialized='table') }}

{#- Read as it stood before this run, hence no ref: the mart itself depends on this model. -#}
{%- set marts_before = relation_before('marts', 'fct_conversations') %}
{%- set interactions_before = relation_before('marts', 'fct_interactions') %}
{%- set entries_before = relation_before('intermediate', 'int_funnel_entries_placed') %}
with

conversations as (

    select conversation_key, id_namespace, closes_at, matures_at
    from {{ ref('int_conversations') }}

),

touched as (

    select conversation_key
    from {{ ref('int_conversations_touched') }}

),

watermarks as (

    select * from {{ ref('int_watermarks_measured') }}

),

stated_before as (

    {% if marts_before -%}
    select conversation_key, is_closed, is_mature from {{ marts_before }}
    {%- else -%}
    select conversation_key, false as is_closed, false as is_mature from conversations
    {%- endif %}

),

funnels_settled as (

    {% if entries_before -%}
    select distinct entries_before.conversation_key
    from {{ entries_before }} as entries_before
    inner join watermarks on entries_before.id_namespace = watermarks.id_namespace
    where entries_before.is_in_progress and entries_before.settles_at <= watermarks.watermark_at
    {%- else -%}
    select conversation_key from conversations
    where false
    {%- endif %}

),

interactions_matured as (

    {% if interactions_before -%}
    select interactions_before.conversation_key
    from {{ interactions_before }} as interactions_before
    inner join watermarks on interactions_before.id_namespace = watermarks.id_namespace
    where not interactions_before.is_mature and {{ add_hours('interactions_before.initialised_at', 24) }} <= watermarks.watermark_at
    {%- else -%}
    select conversation_key from conversations
    where false
    {%- endif %}

),

restated as (

    select conversations.conversation_key
    from conversations
    inner join watermarks on conversations.id_namespace = watermarks.id_namespace
    left join stated_before on conversations.conversation_key = stated_before.conversation_key
    left join touched on conversations.conversation_key = touched.conversation_key
    left join interactions_matured on conversations.conversation_key = interactions_matured.conversation_key
    left join funnels_settled on conversations.conversation_key = funnels_settled.conversation_key
    where
        {{ 'false' if marts_before else 'true' }}
        or touched.conversation_key is not null
        or funnels_settled.conversation_key is not null
        or interactions_matured.conversation_key is not null
        or (not stated_before.is_closed and conversations.closes_at <= watermarks.watermark_at)
        or (not stated_before.is_mature and conversations.matures_at <= watermarks.watermark_at)

)

select * from restated
