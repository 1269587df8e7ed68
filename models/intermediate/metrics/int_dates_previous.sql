-- One row per reporting date under which a recomputed conversation stood before this run.
{{ config(materialized='table') }}
-- Units of experiments must be noted before these marts are replaced, too; they wait for this model.
-- depends_on: {{ ref('int_ab_test_units_affected') }}

{%- set conversations_before = relation_before('marts', 'fct_conversations') %}
{%- set interactions_before = relation_before('marts', 'fct_interactions') %}
{%- set entries_before = relation_before('intermediate', 'int_funnel_entries_placed') %}
{%- set dates_before = relation_before('intermediate', 'int_dates_previous') if was_interrupted() else none %}
with

recomputed as (

    select conversation_key
    from {{ ref('int_conversations_recomputed') }}

),

dates_previous as (

    {% if conversations_before -%}
    select before.conversation_date as date
    from {{ conversations_before }} as before
    inner join recomputed on before.conversation_key = recomputed.conversation_key
    union
    {%- endif %}
    {% if interactions_before -%}
    select before.interaction_date as date
    from {{ interactions_before }} as before
    inner join recomputed on before.conversation_key = recomputed.conversation_key
    union
    {%- endif %}
    {% if entries_before -%}
    select before.entry_date as date
    from {{ entries_before }} as before
    inner join recomputed on before.conversation_key = recomputed.conversation_key
    union
    {%- endif %}
    {% if dates_before -%}
    -- The run before this one did not finish: it may have replaced the conversations and not yet their days.
    select date from {{ dates_before }}
    union
    {%- endif %}
    select cast(null as date) as date

)

select date from dates_previous
where date is not null
