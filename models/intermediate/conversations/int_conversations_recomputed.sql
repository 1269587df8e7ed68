-- One row per conversation whose facts this run may change: affected, or carried over a deadline by the watermark.
{{ config(materialized='table') }}

{#- Read as the last run left them, hence no ref: these marts themselves depend on this model. -#}
{%- set conversations_before = relation_before('marts', 'fct_conversations') %}
{%- set interactions_before = relation_before('marts', 'fct_interactions') %}
{%- set entries_before = relation_before('intermediate', 'int_funnel_entries_placed') %}
{%- set recomputed_before = relation_before('intermediate', 'int_conversations_recomputed') if was_interrupted() else none %}
with

conversations as (

    select conversation_key, id_namespace, explicit_end_at, closes_at, matures_at
    from {{ ref('int_conversations') }}

),

affected as (

    select conversation_key
    from {{ ref('int_conversations_affected') }}

),

watermarks as (

    select * from {{ ref('int_watermarks_measured') }}

),

recomputed as (

    select conversation_key from affected
    union
    {% if conversations_before -%}
    select before.conversation_key
    from {{ conversations_before }} as before
    inner join conversations on before.conversation_key = conversations.conversation_key
    inner join watermarks on conversations.id_namespace = watermarks.id_namespace
    where
        (not before.is_closed and conversations.closes_at <= watermarks.watermark_at)
        or (not before.is_mature and conversations.matures_at <= watermarks.watermark_at)
        -- An operation that removes the newest events takes the watermark back.
        or (before.is_closed and conversations.explicit_end_at is null and conversations.closes_at > watermarks.watermark_at)
        or (before.is_mature and conversations.matures_at > watermarks.watermark_at)
        -- In the first week a first contact is not known, and the first event may turn out to be another.
        or before.user_id is not null and before.is_engaged and before.is_first_contact is distinct from false
        and (before.is_first_contact is null) = (before.started_at >= {{ add_hours('watermarks.first_event_at', 168) }})
        or before.user_id is not null and (
            {{ is_due('before.resolved_at', '24', 'before.is_durably_resolved_24h', 'watermarks.watermark_at') }}
            or {{ is_due('before.resolved_at', '72', 'before.is_durably_resolved_72h', 'watermarks.watermark_at') }}
            or {{ is_due('before.resolved_at', '168', 'before.is_durably_resolved_7d', 'watermarks.watermark_at') }}
        )
    {%- else -%}
    select conversation_key from conversations
    {%- endif %}
    union
    select conversation_key from {{ ref('int_contacts_affected') }}
    {% if interactions_before -%}
    union
    select before.conversation_key
    from {{ interactions_before }} as before
    inner join watermarks on before.id_namespace = watermarks.id_namespace
    where before.is_mature <> ({{ add_hours('before.initialised_at', 24) }} <= watermarks.watermark_at)
    {%- endif %}
    {% if entries_before -%}
    union
    select before.conversation_key
    from {{ entries_before }} as before
    inner join watermarks on before.id_namespace = watermarks.id_namespace
    where
        not before.is_last_reached
        and before.is_in_progress <> (before.final_at > watermarks.watermark_at)
    {%- endif %}
    {% if recomputed_before -%}
    union
    -- The run before this one did not finish: some of its marts may have been written, others not.
    select conversation_key from {{ recomputed_before }}
    {%- endif %}

)

select * from recomputed
