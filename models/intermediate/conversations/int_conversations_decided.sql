-- One row per restated production conversation: what happened in it, how it ended, and why we say so.
with

conversations_decided as (

    select
        -- keys
        conversations.conversation_key,
        conversations.conversation_id,
        conversations.id_namespace,
        conversations.user_id,

        -- dimensions
        conversations.source,
        conversations.agent,
        conversations.purpose,
        conversations.channel,
        conversations.device,
        conversations.language,
        conversations.environment,
        {{ url_path('conversations.page_url') }} as entry_page,
        conversations.model,

        -- moments, UTC; the date is that of the reporting time zone
        conversations.conversation_date,
        conversations.started_at,
        conversations.first_interaction_at,
        conversations.last_interaction_at,
        case
            when conversations.explicit_end_at is not null then conversations.explicit_end_at
            when outcomes.is_closed then conversations.last_interaction_at
        end as ended_at,
        conversations.completed_at,
        conversations.handoff_requested_at,
        conversations.handoff_connected_at,
        conversations.first_agent_message_at,
        conversations.first_proof_at,
        outcomes.resolved_at,

        -- counts
        conversations.user_message_count,
        conversations.agent_message_count,
        conversations.tool_call_count,
        conversations.tool_error_count,
        conversations.fallback_count,
        conversations.conversion_count,
        conversations.answered_turn_count,
        conversations.fallback_turn_count,

        -- what it cost
        conversations.tokens_in, conversations.tokens_cached, conversations.tokens_out,
        conversations.cost_usd, conversations.reported_cost_usd, conversations.priced_cost_usd, conversations.labelling_cost_usd,
        conversations.uncosted_message_count,

        -- durations
        {{ milliseconds_between('conversations.first_message_at', 'conversations.last_message_at') }} / 1000.0 as handle_seconds,
        {{ milliseconds_between('conversations.first_interaction_at', 'conversations.last_interaction_at') }} / 1000.0 as session_seconds,
        conversations.first_response_ms,

        -- what the customer said
        conversations.rating,
        conversations.csat,
        conversations.feedback_question_kind,
        conversations.satisfaction_rating,
        conversations.messages_before_feedback,
        conversations.qualification_score,
        sentiments.sentiment_start, sentiments.sentiment_end, sentiments.sentiment_trend, sentiments.sentiment_average,
        -- Who says one thing says nothing again; where several are not compared yet nobody knows.
        coalesce(rephrases.compared_message_count, 0) as compared_message_count,
        coalesce(rephrases.rephrase_count, case when conversations.user_message_count <= 1 then 0 end) as rephrase_count,
        coalesce(rephrases.exact_repeat_count, case when conversations.user_message_count <= 1 then 0 end) as exact_repeat_count,
        words.intents,
        words.objections,
        words.escalation_reason, words.escalation_reason_evidence_kind, words.escalation_reason_event_id,
        case
            when outcomes.outcome in ('abandoned', 'ended_unresolved') then coalesce(words.dropoff_reason, 'unknown')
        end as dropoff_reason,
        case when outcomes.outcome in ('abandoned', 'ended_unresolved') then words.dropoff_reason_event_id end as dropoff_reason_event_id,

        -- classes
        conversations.is_engaged,
        conversations.is_engaged and conversations.agent_message_count > 0 as is_handled,
        outcomes.is_closed,
        outcomes.is_mature,
        outcomes.outcome,
        outcomes.outcome_reason,
        outcomes.outcome_evidence_event_id,
        conversations.claimed_resolved,
        outcomes.outcome in ('resolved_confirmed', 'resolved_inferred') as is_resolved,
        sales.sales_outcome
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_outcomes_decided') }} as outcomes on conversations.conversation_key = outcomes.conversation_key
    left join {{ ref('int_sales_outcomes_decided') }} as sales on conversations.conversation_key = sales.conversation_key
    left join {{ ref('int_customer_words_summarised') }} as words on conversations.conversation_key = words.conversation_key
    left join {{ ref('int_sentiments_summarised') }} as sentiments on conversations.conversation_key = sentiments.conversation_key
    left join {{ ref('int_rephrases_counted') }} as rephrases on conversations.conversation_key = rephrases.conversation_key

)

select * from conversations_decided
