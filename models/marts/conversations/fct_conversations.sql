-- One row per production conversation: what happened in it, how it ended, and the evidence for it.
{{ replace_affected('int_conversations_recomputed') }}
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
        conversations.customer_returned_at,

        -- counts
        conversations.session_count,
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
        (
            {{ milliseconds_between('conversations.first_message_at', 'conversations.last_message_at') }}
            - conversations.silent_between_messages_ms
        ) / 1000.0 as handle_seconds,
        (
            {{ milliseconds_between('conversations.first_interaction_at', 'conversations.last_interaction_at') }} - conversations.silent_ms
        ) / 1000.0 as session_seconds,
        conversations.first_response_ms,

        -- feedback of the customer
        conversations.rating,
        conversations.csat,
        conversations.feedback_question_kind,
        conversations.satisfaction_rating,
        conversations.messages_before_feedback,
        conversations.qualification_score,
        words.sentiment_start, words.sentiment_end, words.sentiment_trend, words.sentiment_average,
        -- A single message repeats nothing; for several messages that are not compared yet the value is unknown.
        coalesce(words.compared_message_count, 0) as compared_message_count,
        coalesce(words.rephrase_count, case when conversations.user_message_count <= 1 then 0 end) as rephrase_count,
        coalesce(words.exact_repeat_count, case when conversations.user_message_count <= 1 then 0 end) as exact_repeat_count,
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
        outcomes.is_resolved_by_human,
        sales.sales_outcome,
        contacts.is_first_contact, contacts.is_durably_resolved_24h, contacts.is_durably_resolved_72h, contacts.is_durably_resolved_7d,

        -- what scores are made of
        conversations.is_engaged and outcomes.is_closed as is_engaged_and_closed,
        expectations.reference_message_count,
        expectations.goal_share
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_outcomes_decided') }} as outcomes on conversations.conversation_key = outcomes.conversation_key
    left join {{ ref('int_sales_outcomes_decided') }} as sales on conversations.conversation_key = sales.conversation_key
    left join {{ ref('int_customer_words_summarised') }} as words on conversations.conversation_key = words.conversation_key
    left join {{ ref('int_contacts_compared') }} as contacts on conversations.conversation_key = contacts.conversation_key
    left join {{ ref('int_agent_expectations_compared') }} as expectations on conversations.conversation_key = expectations.conversation_key

),

-- The published formula is the mean of the available ones of three signals. satisfaction_score corrects its known weaknesses.
signals_read as (

    select
        *,
        case when rating >= 0.75 then 1.0 when rating <= 0.25 then 0.0 end as rating_signal,
        case
            when completed_at is not null and user_message_count <= 3 then 0.9
            when handoff_requested_at is not null or handoff_connected_at is not null then 0.3
            when completed_at is null then 0.1
        end as completion_signal,
        case
            when ended_at >= started_at then {{ milliseconds_between('started_at', 'ended_at') }} / 1000.0
        end as elapsed_seconds,
        case when user_message_count > 2 then greatest(0.0, 0.8 - greatest(0, user_message_count - 3) * 0.1) end as length_signal
    from conversations_decided

),

conversations_scored as (

    select
        *,
        case
            when is_engaged_and_closed
                then
                    coalesce(
                        cast(coalesce(rating_signal, 0) + coalesce(completion_signal, 0) + coalesce(length_signal, 0) as double)
                        / nullif(
                            case when rating_signal is null then 0 else 1 end + case when completion_signal is null then 0 else 1 end
                            + case when length_signal is null then 0 else 1 end, 0
                        ), 0.5
                    )
        end as satisfaction_score_v1,
        -- The customer's own rating counts; else the outcome, a little less for each message above three and each rephrasing.
        case
            when not is_engaged_and_closed then null
            when satisfaction_rating is not null then satisfaction_rating
            else cast(
                case outcome
                    when 'resolved_confirmed' then 0.90
                    when 'resolved_inferred' then 0.80
                    when 'escalated' then 0.50
                    when 'ended_unresolved' then 0.35
                    when 'abandoned' then 0.20
                end - least(0.09, 0.01 * greatest(0, user_message_count - 3) + 0.02 * coalesce(rephrase_count, 0)) as double
            )
        end as satisfaction_score,
        cast(
            case
                when not is_engaged_and_closed then null
                when outcome = 'resolved_confirmed' then 100
                when outcome = 'resolved_inferred' then 80
                else 0
            end as double
        ) as resolution_score,
        case
            when is_engaged_and_closed and is_resolved
                then 100.0 * least(1.0, cast(reference_message_count as double) / greatest(1, user_message_count))
        end as efficiency_score,
        case when is_engaged_and_closed then 50.0 + 50.0 * sentiment_average end as sentiment_score,
        case when is_engaged_and_closed then 100.0 * goal_share end as goal_completion_score
    from signals_read

),

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
        customer_returned_at,

        -- counts
        session_count,
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

        -- feedback of the customer
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
        is_resolved_by_human,
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
    from conversations_scored

)

select * from conversations
