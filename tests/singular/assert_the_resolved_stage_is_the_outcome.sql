-- A support conversation that reached the stage resolved and is not resolved, or the other way round.
{{ config(meta={'dagster': {'ref': {'name': 'fct_conversation_stages'}}}) }}
with

stages as (

    select conversation_key, bool_or(stage = 'resolved' and is_reached) as is_reached
    from {{ ref('fct_conversation_stages') }}
    where funnel = 'support'
    group by conversation_key

)

select conversations.conversation_key, conversations.is_resolved, conversations.is_resolved_by_human, stages.is_reached
from {{ ref('fct_conversations') }} as conversations
inner join stages on conversations.conversation_key = stages.conversation_key
where
    (conversations.is_resolved or conversations.is_resolved_by_human) <> stages.is_reached
    and {{ only_built(ref('int_conversations_recomputed'), 'conversations.conversation_key', 'conversation_key') }}
