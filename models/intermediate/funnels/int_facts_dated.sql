-- One row per conversation of this run and fact that a funnel stage may name, with the event that shows it.
with

conversations as (

    select *
    from {{ ref('int_conversations_aggregated') }}
    where {{ only_affected(ref('int_conversations_affected'), 'first_event_at') }}

),

outcome_evidence as (

    select * from {{ ref('int_outcome_evidence_found') }}

),

events as (

    select conversation_key, sequence_number, qualification_score
    from {{ ref('int_events_affected') }}

),

facts_listed as (

    select conversation_key, 'started_at' as fact, started_sequence as sequence_number, 0 as fact_value
    from conversations
    union all
    select conversation_key, 'initialised_at' as fact, initialised_sequence as sequence_number, 0 as fact_value
    from conversations
    union all
    select conversation_key, 'engaged_at' as fact, engaged_sequence as sequence_number, 0 as fact_value
    from conversations
    union all
    select conversation_key, 'first_user_message_at' as fact, first_user_message_sequence as sequence_number, 0 as fact_value
    from conversations
    union all
    select conversation_key, 'first_agent_message_at' as fact, first_agent_message_sequence as sequence_number, 0 as fact_value
    from conversations
    union all
    select conversation_key, 'first_proof_at' as fact, first_proof_sequence as sequence_number, 0 as fact_value
    from outcome_evidence
    union all
    -- What a classifier infers is a label, with a confidence.
    select conversation_key, 'standing_claim_at' as fact, standing_claim_sequence as sequence_number, 0 as fact_value
    from outcome_evidence
    where standing_claim_reason <> 'classified_resolved'
    union all
    select conversation_key, 'qualification_score' as fact, sequence_number, qualification_score as fact_value
    from events
    where qualification_score is not null

)

select * from facts_listed
where sequence_number is not null
