-- Outcomes that point at no event, or at one of another conversation.
{{ config(meta={'dagster': {'ref': {'name': 'fct_conversations'}}}) }}
select conversations.conversation_key, conversations.outcome, conversations.outcome_evidence_event_id
from {{ ref('fct_conversations') }} as conversations
left join {{ ref('int_events') }} as events
    on
        conversations.conversation_key = events.conversation_key
        and conversations.outcome_evidence_event_id = events.event_id
where events.event_id is null and {{ only_built(ref('int_conversations_recomputed'), 'conversations.conversation_key', 'conversation_key') }}
