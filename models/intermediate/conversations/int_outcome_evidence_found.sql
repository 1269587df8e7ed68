-- One row per conversation with evidence for or against a solved problem: the first proof and the claim that stands.
{{ config(materialized='table') }}
with

-- One event can match two reasons, such as a conversion that is also listed as a signal. The first reason by name is kept.
evidence_numbered as (

    select
        *,
        row_number() over (partition by conversation_key, sequence_number, strength order by reason) as reason_number
    from {{ ref('int_evidence_classified') }}

),

evidence as (

    select * from evidence_numbered
    where reason_number = 1

),

objections_found as (

    select
        conversation_key,
        max(sequence_number) filter (where strength = 'denial') as last_denial_sequence,
        bool_or(strength in ('refusal', 'denial')) as is_refused,
        coalesce(
            max(sequence_number) filter (where strength in ('refusal', 'denial')),
            max(sequence_number) filter (where strength = 'contradiction')
        ) as objection_sequence
    from evidence
    group by conversation_key

),

-- Within a week: who writes later into the same thread has a new concern.
contradictions_followed as (

    select
        *,
        min(case when strength = 'contradiction' then sequence_number end) over later_ones as next_contradiction_sequence,
        min(case when strength = 'contradiction' then occurred_at end) over later_ones as next_contradiction_at
    from evidence
    window later_ones as (partition by conversation_key order by sequence_number range between 1 following and unbounded following)

),

evidence_ranked as (

    select
        evidence.*,
        evidence.sequence_number = objections_found.objection_sequence
        and evidence.strength in ('refusal', 'denial') = objections_found.is_refused
        and evidence.strength in ('contradiction', 'refusal', 'denial') as is_objection,
        evidence.strength = 'proof'
        and evidence.sequence_number > coalesce(objections_found.last_denial_sequence, 0) as is_standing_proof,
        -- A negative answer refuses every claim, whenever it came; a later fallback or question only the earlier ones.
        evidence.strength in ('claim', 'inference', 'doubt')
        and not objections_found.is_refused
        and (
            evidence.next_contradiction_sequence is null
            or coalesce(evidence.next_contradiction_at >= {{ add_hours('evidence.occurred_at', 168) }}, false)
        ) as is_standing
    from contradictions_followed as evidence
    inner join objections_found on evidence.conversation_key = objections_found.conversation_key

),

-- The claim of an event has priority over the inference of a classifier, whatever their order in time.
standing_marked as (

    select
        *,
        is_standing and strength <> 'doubt' and (
            strength = 'claim' or not bool_or(is_standing and strength = 'claim') over (partition by conversation_key)
        ) as is_standing_claim,
        min(case when is_standing_proof then sequence_number end) over (partition by conversation_key) as first_proof_sequence
    from evidence_ranked

),

outcome_evidence_found as (

    select
        conversation_key,
        bool_or(strength in ('claim', 'statement')) as claimed_resolved,
        min(occurred_at) filter (where is_standing_proof) as first_proof_at,
        min(first_proof_sequence) as first_proof_sequence,
        min_by(event_id, sequence_number) filter (where is_standing_proof) as first_proof_event_id,
        min_by(reason, sequence_number) filter (where is_standing_proof) as first_proof_reason,
        max(occurred_at) filter (where is_standing_proof) as last_proof_at,
        -- A claim does not stand against a customer who returned; proof stands, but did not last.
        min(occurred_at) filter (
            where reason in ('customer_denial', 'customer_returned', 'customer_message_after_completion')
            and sequence_number > first_proof_sequence
        ) as customer_returned_at,
        min(occurred_at) filter (where is_standing_claim) as standing_claim_at,
        min(sequence_number) filter (where is_standing_claim) as standing_claim_sequence,
        min_by(event_id, sequence_number) filter (where is_standing_claim) as standing_claim_event_id,
        min_by(reason, sequence_number) filter (where is_standing_claim) as standing_claim_reason,
        min_by(event_id, sequence_number) filter (where is_standing and strength = 'doubt') as unsure_event_id,
        max_by(event_id, sequence_number) filter (where is_objection) as objection_event_id,
        max_by(reason, sequence_number) filter (where is_objection) as objection_reason
    from standing_marked
    group by conversation_key

)

select * from outcome_evidence_found
