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

contradictions_found as (

    select
        conversation_key,
        max(sequence_number) filter (where strength = 'contradiction') as last_contradiction_sequence,
        max(sequence_number) filter (where strength = 'refusal') as last_refusal_sequence,
        coalesce(
            max(sequence_number) filter (where strength = 'refusal'), max(sequence_number) filter (where strength = 'contradiction')
        ) as objection_sequence
    from evidence
    group by conversation_key

),

evidence_ranked as (

    select
        evidence.*,
        contradictions_found.last_contradiction_sequence,
        contradictions_found.last_refusal_sequence,
        evidence.sequence_number = contradictions_found.objection_sequence
        and evidence.strength = case when contradictions_found.last_refusal_sequence is null then 'contradiction' else 'refusal' end
            as is_objection,
        -- A negative answer refuses every claim, whenever it came; a later fallback or question only the earlier ones.
        evidence.strength in ('claim', 'inference', 'doubt')
        and contradictions_found.last_refusal_sequence is null
        and evidence.sequence_number > coalesce(contradictions_found.last_contradiction_sequence, 0) as is_standing
    from evidence
    inner join contradictions_found on evidence.conversation_key = contradictions_found.conversation_key

),

-- The claim of an event has priority over the inference of a classifier, whatever their order in time.
standing_marked as (

    select
        *,
        is_standing and strength <> 'doubt' and (
            strength = 'claim' or not bool_or(is_standing and strength = 'claim') over (partition by conversation_key)
        ) as is_standing_claim
    from evidence_ranked

),

outcome_evidence_found as (

    select
        conversation_key,
        bool_or(strength in ('claim', 'statement')) as claimed_resolved,
        min(occurred_at) filter (where strength = 'proof') as first_proof_at,
        min(sequence_number) filter (where strength = 'proof') as first_proof_sequence,
        min_by(event_id, sequence_number) filter (where strength = 'proof') as first_proof_event_id,
        min_by(reason, sequence_number) filter (where strength = 'proof') as first_proof_reason,
        max(occurred_at) filter (where strength = 'proof') as last_proof_at,
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
