-- One row per conversation id: every fact that its own events alone decide.
{{ replace_affected('int_conversations_affected') }}
with

-- The last usable answer of any kind, and the last about solution or satisfaction.
answers_ranked as (

    select
        *,
        row_number() over (partition by conversation_key order by sequence_number desc) as answers_later,
        min(messages_before) over (partition by conversation_key) as messages_before_feedback,
        max_by(rating_score, case when feedback_question_kind in ('solved', 'satisfaction') then sequence_number end) over (
            partition by conversation_key
        ) as satisfaction_rating
    from {{ ref('int_feedback_scored') }}
    where rating_score is not null

),

last_answers as (

    select
        conversation_key,
        rating_score as rating,
        star_count as csat,
        feedback_question_kind,
        satisfaction_rating,
        messages_before_feedback
    from answers_ranked
    where answers_later = 1

),

aggregated as (

    select *
    from {{ ref('int_conversations_aggregated') }}
    where {{ only_affected(ref('int_conversations_affected'), 'first_event_at') }}

),

facts_joined as (

    select
        aggregated.*,
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
        outcome_evidence.last_proof_at,
        outcome_evidence.customer_returned_at,
        outcome_evidence.standing_claim_at,
        outcome_evidence.standing_claim_event_id,
        outcome_evidence.standing_claim_reason,
        outcome_evidence.unsure_event_id,
        outcome_evidence.objection_event_id,
        outcome_evidence.objection_reason
    from aggregated
    left join last_answers on aggregated.conversation_key = last_answers.conversation_key
    left join {{ ref('int_conversation_costs_summed') }} as costs on aggregated.conversation_key = costs.conversation_key
    left join {{ ref('int_outcome_evidence_found') }} as outcome_evidence on aggregated.conversation_key = outcome_evidence.conversation_key

),

dates_and_maturity_derived as (

    select
        *,
        cast({{ in_reporting_timezone('started_at') }} as date) as conversation_date,
        cast({{ in_reporting_timezone('initialised_at') }} as date) as initialised_date,
        {{ add_hours('greatest(last_activity_at, coalesce(explicit_end_at, last_activity_at))', 168) }} as matures_at
    from facts_joined

)

select * from dates_and_maturity_derived
