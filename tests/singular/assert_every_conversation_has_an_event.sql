-- Rows of fct_conversations that no event stands behind: what an incremental run forgot to take away.
{{ config(meta={'dagster': {'ref': {'name': 'fct_conversations'}}}) }}
select conversations.conversation_key
from {{ ref('fct_conversations') }} as conversations
left join {{ ref('int_events') }} as events
    on
        conversations.conversation_key = events.conversation_key
        and events.event_type not in ('interaction_initialized', 'experiment_exposure')
where events.event_id is null and {{ only_built(ref('int_conversations_recomputed'), 'conversations.conversation_key', 'conversation_key') }}
