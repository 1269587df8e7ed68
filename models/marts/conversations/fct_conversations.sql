-- One row per production conversation: what happened in it, how it ended, and why we say so.
{{ replace_touched('int_conversations_restated') }}
with

conversations as (

    select
        -- keys
        conversation_key,
        conversation_id,
        id_namespace,
        user_id,

        -- dimensions
        source,
        agent,
        purpose,
        channel,
        device,
        language,
        environment,
        entry_page,
        model,

        -- moments, UTC; the date is that of the reporting time zone
        conversation_date,
        started_at,
        first_interaction_at,
        last_interaction_at,
        ended_at,
        completed_at,
        handoff_requested_at,
        handoff_connected_at,
        first_agent_message_at,
        first_proof_at,
        resolved_at,

        -- counts
        user_message_count,
        agent_message_count,
        tool_call_count,
        tool_error_count,
        fallback_count,
        conversion_count,
        answered_turn_count,
        fallback_turn_count,

        -- what it cost
        tokens_in, tokens_cached, tokens_out,
        cost_usd, reported_cost_usd, priced_cost_usd, labelling_cost_usd,
        uncosted_message_count,

        -- durations
        handle_seconds,
        session_seconds,
        first_response_ms,

        -- what the customer said
        rating,
        csat,
        feedback_question_kind,
        messages_before_feedback,
        qualification_score,
        sentiment_start,
        sentiment_end,
        sentiment_trend,
        sentiment_average,
        compared_message_count, rephrase_count, exact_repeat_count,
        intents,
        objections,
        escalation_reason, escalation_reason_evidence_kind, escalation_reason_event_id,
        dropoff_reason,
        dropoff_reason_event_id,

        -- classes
        is_engaged,
        is_handled,
        is_closed,
        is_mature,
        outcome, outcome_reason, outcome_evidence_event_id,
        sales_outcome,
        claimed_resolved,
        is_resolved,
        is_first_contact,
        is_durably_resolved_24h, is_durably_resolved_72h, is_durably_resolved_7d,

        -- scores
        satisfaction_score_v1,
        satisfaction_score,
        resolution_score,
        efficiency_score,
        sentiment_score,
        goal_completion_score,
        elapsed_seconds,
        cast({{ var('definition_version') }} as bigint) as definition_version
    from {{ ref('int_conversations_scored') }}

)

select * from conversations
