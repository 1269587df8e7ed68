-- One row per recomputed production conversation: its one outcome, why, and the event that shows it.
with

conversations as (

    select conversations.*
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_recomputed') }} as recomputed on conversations.conversation_key = recomputed.conversation_key
    where conversations.has_conversation_event and conversations.environment = 'production'

),

watermarks as (

    select * from {{ ref('int_watermarks_measured') }}

),

conversations_closed as (

    select
        conversations.*,
        conversations.explicit_end_at is not null or conversations.closes_at <= watermarks.watermark_at as is_closed,
        conversations.matures_at <= watermarks.watermark_at as is_mature
    from conversations
    inner join watermarks on conversations.id_namespace = watermarks.id_namespace

),

outcomes_decided as (

    select
        *,
        case
            when not is_closed then 'in_progress'
            when not is_engaged then 'not_engaged'
            when handoff_requested_at is not null or handoff_connected_at is not null then 'escalated'
            when first_proof_at is not null then 'resolved_confirmed'
            when standing_claim_at is not null then 'resolved_inferred'
            -- Whoever leaves a chat that may have solved the problem is not known to have given up.
            when unsure_event_id is not null then 'ended_unresolved'
            when abandoned_event_id is not null or explicit_end_at is null then 'abandoned'
            else 'ended_unresolved'
        end as outcome
    from conversations_closed

),

outcomes_explained as (

    select
        conversation_key,
        is_closed,
        is_mature,
        outcome,
        case outcome
            when 'in_progress' then 'not_closed'
            when 'not_engaged' then 'no_engagement'
            when 'escalated' then case when handoff_requested_at is not null then 'handoff_requested' else 'handoff_connected' end
            when 'resolved_confirmed' then first_proof_reason
            when 'resolved_inferred' then standing_claim_reason
            when 'abandoned' then case when abandoned_event_id is not null then 'conversation_abandoned' else 'idle_timeout' end
            else
                case
                    when unsure_event_id is not null then 'unsure'
                    when claimed_resolved then coalesce(objection_reason, 'explicit_end')
                    else 'explicit_end'
                end
        end as outcome_reason,
        case outcome
            when 'in_progress' then last_event_id
            when 'not_engaged' then coalesce(end_event_id, last_event_id)
            when 'escalated' then coalesce(handoff_requested_event_id, handoff_connected_event_id)
            when 'resolved_confirmed' then first_proof_event_id
            when 'resolved_inferred' then standing_claim_event_id
            when 'abandoned' then coalesce(abandoned_event_id, last_interaction_event_id, last_event_id)
            else
                case
                    when unsure_event_id is not null then unsure_event_id
                    when claimed_resolved then coalesce(objection_event_id, end_event_id)
                    else end_event_id
                end
        end as outcome_evidence_event_id,
        case outcome
            when 'resolved_confirmed' then first_proof_at
            when 'resolved_inferred' then standing_claim_at
        end as resolved_at,
        first_proof_event_id,
        -- Claims of the agent side do not say who made them.
        outcome = 'escalated'
        and coalesce(last_proof_at >= coalesce(handoff_connected_at, handoff_requested_at), false) as is_resolved_by_human
    from outcomes_decided

),

solutions_named as (

    select
        *,
        case
            when resolved_at is not null then outcome_evidence_event_id
            when is_resolved_by_human then first_proof_event_id
        end as solution_event_id
    from outcomes_explained

)

select * from solutions_named
