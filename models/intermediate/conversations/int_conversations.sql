-- One row per conversation id: every fact that its own events decide, whatever the hour and whoever else writes.
{{ replace_touched('int_conversations_touched') }}
with

aggregated as (

    select * from {{ ref('int_conversations_aggregated') }}

),

conversation_ends as (

    select * from {{ ref('int_conversation_ends_found') }}

),

first_responses as (

    select * from {{ ref('int_first_responses_measured') }}

),

last_answers as (

    select * from {{ ref('int_feedback_last_answered') }}

),

outcome_evidence as (

    select * from {{ ref('int_outcome_evidence_found') }}

),

facts_joined as (

    select
        aggregated.*,
        -- An id that was only shown never started; it closes when nothing followed the widget for as long.
        greatest(
            coalesce(aggregated.started_at, aggregated.first_event_at),
            coalesce(aggregated.last_interaction_at, aggregated.started_at, aggregated.first_event_at)
        ) as last_activity_at,
        models_ranked.model,
        purposes.purpose,
        conversation_ends.ended_at as explicit_end_at,
        conversation_ends.end_event_id,
        conversation_ends.abandoned_event_id,
        first_responses.first_response_ms,
        last_answers.rating,
        last_answers.csat,
        last_answers.feedback_question_kind,
        last_answers.satisfaction_rating,
        last_answers.messages_before_feedback,
        costs.tokens_in,
        costs.tokens_cached,
        costs.tokens_out,
        costs.reported_cost_usd,
        costs.priced_cost_usd,
        coalesce(costs.labelling_cost_usd, 0.0) as labelling_cost_usd,
        costs.cost_usd,
        coalesce(costs.uncosted_message_count, 0) as uncosted_message_count,
        coalesce(outcome_evidence.claimed_resolved, false) as claimed_resolved,
        outcome_evidence.first_proof_at,
        outcome_evidence.first_proof_event_id,
        outcome_evidence.first_proof_reason,
        outcome_evidence.standing_claim_at,
        outcome_evidence.standing_claim_event_id,
        outcome_evidence.standing_claim_reason,
        outcome_evidence.objection_event_id,
        outcome_evidence.objection_reason
    from aggregated
    left join conversation_ends on aggregated.conversation_key = conversation_ends.conversation_key
    left join first_responses on aggregated.conversation_key = first_responses.conversation_key
    left join last_answers on aggregated.conversation_key = last_answers.conversation_key
    left join {{ ref('int_conversation_costs_summed') }} as costs on aggregated.conversation_key = costs.conversation_key
    left join {{ ref('int_models_ranked') }} as models_ranked on aggregated.conversation_key = models_ranked.conversation_key
    left join outcome_evidence on aggregated.conversation_key = outcome_evidence.conversation_key
    left join {{ ref('int_purposes_resolved') }} as purposes on aggregated.conversation_key = purposes.conversation_key

),

closing_moments_derived as (

    select
        *,
        cast({{ in_reporting_timezone('started_at') }} as date) as conversation_date,
        cast({{ in_reporting_timezone('initialised_at') }} as date) as initialised_date,
        coalesce(explicit_end_at, {{ add_minutes('last_activity_at', var('idle_minutes')) }}) as closes_at,
        {{ add_hours('greatest(last_activity_at, coalesce(explicit_end_at, last_activity_at))', 168) }} as matures_at
    from facts_joined

)

select * from closing_moments_derived
