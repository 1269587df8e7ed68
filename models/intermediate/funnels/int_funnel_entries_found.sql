-- One row per recomputed production conversation and funnel it entered: the filter matches and the first stage was reached.
{{ config(materialized='table') }}
with

conversations as (

    select conversations.*
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_recomputed') }} as recomputed on conversations.conversation_key = recomputed.conversation_key
    where conversations.environment = 'production'

),

funnels as (

    select * from {{ ref('funnels') }}

),

first_stage_signals as (

    select *
    from {{ ref('int_stage_signals_found') }}
    where stage_order = 1

),

entries_found as (

    select
        conversations.conversation_key,
        funnels.funnel,
        conversations.id_namespace,
        conversations.source,
        min(first_stage_signals.occurred_at) as entered_at,
        cast({{ in_reporting_timezone('min(first_stage_signals.occurred_at)') }} as date) as entry_date
    from conversations
    inner join funnels
        on
            {{ in_list('conversations.purpose', 'funnels.purpose') }}
            and {{ in_list('conversations.source', 'funnels.source') }}
            and {{ in_list('conversations.agent', 'funnels.agent') }}
            and {{ in_list('conversations.channel', 'funnels.channel') }}
    inner join first_stage_signals
        on
            conversations.conversation_key = first_stage_signals.conversation_key
            and funnels.funnel = first_stage_signals.funnel
    group by conversations.conversation_key, funnels.funnel, conversations.id_namespace, conversations.source

)

select * from entries_found
