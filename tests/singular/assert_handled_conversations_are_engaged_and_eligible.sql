-- Eligible >= engaged >= handled, conversation by conversation: counts could agree by two errors that cancel out.
{{ config(meta={'dagster': {'ref': {'name': 'fct_conversations'}}}) }}
with

conversations as (

    select conversation_key, is_engaged, is_handled
    from {{ ref('fct_conversations') }}
    where {{ only_built(ref('int_conversations_recomputed')) }}

),

production_ids as (

    select conversation_key, is_engaged
    from {{ ref('int_conversations') }}
    where environment = 'production' and {{ only_built(ref('int_conversations_recomputed')) }}

),

eligible as (

    select conversation_key
    from conversations
    union
    select conversation_key
    from {{ ref('int_conversations') }}
    where environment = 'production' and initialised_at is not null

),

offenders as (

    select conversation_key, 'handled but not engaged' as offence
    from conversations
    where is_handled and not is_engaged
    union all
    select production_ids.conversation_key, 'engaged but not eligible' as offence
    from production_ids
    left join eligible on production_ids.conversation_key = eligible.conversation_key
    where production_ids.is_engaged and eligible.conversation_key is null

)

select * from offenders
