-- One row per conversation of a user whose other conversations this run has changed, close enough in time to affect it.
{#- Read as the last run left it, hence no ref: the mart itself depends on this model. -#}
{%- set conversations_before = relation_before('marts', 'fct_conversations') %}
with

affected as (

    select conversation_key
    from {{ ref('int_conversations_affected') }}

),

-- A conversation affects its neighbours by its present and by its previous start. Compared by days, because a thousand people may
-- share one id.
visits as (

    select conversations.id_namespace, conversations.user_id, cast(conversations.started_at as date) as visit_date
    from {{ ref('int_conversations') }} as conversations
    inner join affected on conversations.conversation_key = affected.conversation_key
    where conversations.user_id is not null
    {% if conversations_before -%}
    union
    select before.id_namespace, before.user_id, cast(before.started_at as date) as visit_date
    from {{ conversations_before }} as before
    inner join affected on before.conversation_key = affected.conversation_key
    where before.user_id is not null
    {%- endif %}

),

contacts_affected as (

    {% if conversations_before -%}
    select distinct before.conversation_key
    from {{ conversations_before }} as before
    inner join visits on before.id_namespace = visits.id_namespace and before.user_id = visits.user_id
    where
        visits.visit_date >= cast({{ add_hours('before.started_at', -168) }} as date)
        and visits.visit_date <= cast({{ add_hours('coalesce(before.resolved_at, before.started_at)', 168) }} as date)
    {%- else -%}
    select conversation_key from affected where false
    {%- endif %}

)

select * from contacts_affected
