-- One row per reporting date that this run states anew: the old and new dates of restated conversations, and days that became final.
{{ config(materialized='table') }}

{%- set dates_before = relation_before('intermediate', 'int_dates_touched') %}
{%- set conversations_before = relation_before('marts', 'fct_conversations') %}
{%- set interactions_before = relation_before('marts', 'fct_interactions') %}
{%- set metrics_before = relation_before('marts', 'metrics_daily') %}
{%- set entries_before = relation_before('intermediate', 'int_funnel_entries_placed') %}
with

restated as (

    select conversation_key
    from {{ ref('int_conversations_restated') }}

),

stages_newly_measured as (

    select funnel
    from {{ ref('int_stages_measured') }}
    where is_new

),

definitions as (

    select metric_name, maturity_hours
    from {{ ref('metric_definitions') }}

),

data_until as (

    select * from {{ ref('int_data_until_measured') }}

),

conversations as (

    select conversations.conversation_date, conversations.initialised_date
    from {{ ref('int_conversations') }} as conversations
    inner join restated on conversations.conversation_key = restated.conversation_key

),

dates_touched as (

    select conversation_date as date from conversations
    union
    select initialised_date as date from conversations
    union
    select entry_date as date from {{ ref('int_funnel_entries_found') }}
    {% if conversations_before -%}
    union
    select before.conversation_date as date
    from {{ conversations_before }} as before
    inner join restated on before.conversation_key = restated.conversation_key
    {%- endif %}
    {% if interactions_before -%}
    union
    select before.interaction_date as date
    from {{ interactions_before }} as before
    inner join restated on before.conversation_key = restated.conversation_key
    {%- endif %}
    {% if entries_before -%}
    union
    select before.entry_date as date
    from {{ entries_before }} as before
    inner join restated on before.conversation_key = restated.conversation_key
    union
    select before.entry_date as date
    from {{ entries_before }} as before
    inner join stages_newly_measured on before.funnel = stages_newly_measured.funnel
    {%- endif %}
    {% if metrics_before -%}
    union
    select before.date
    from {{ metrics_before }} as before
    inner join definitions on regexp_replace(before.metric_name, '^conversion_rate:.*$', 'conversion_rate:<goal>') = definitions.metric_name
    cross join data_until
    where not before.is_final and {{ final_at('before.date', 'definitions.maturity_hours') }} <= data_until.data_until_at
    {%- endif %}
    {% if dates_before and was_interrupted() -%}
    union
    select date from {{ dates_before }}
    {%- endif %}

)

select date from dates_touched
where date is not null
