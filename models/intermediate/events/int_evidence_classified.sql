-- One row per event and reason for which it speaks for or against a solved problem.
with

events as (

    select conversation_key, sequence_number, source, event_id, event_type, occurred_at, is_tool_error, is_tool_write
    from {{ ref('int_events_affected') }}

),

-- Statements of the customer, the checkout or a configured system are proof; statements of the agent about itself are claims.
facts_judged as (

    select
        conversation_key, sequence_number, event_id, occurred_at,
        case
            when event_type = 'conversion' then 'proof'
            when event_type = 'conversation_completed' or (is_tool_write and not is_tool_error) then 'claim'
            when event_type = 'fallback_triggered' or is_tool_error then 'contradiction'
        end as strength,
        case
            when event_type = 'conversion' then 'goal_conversion'
            when event_type = 'conversation_completed' then 'conversation_completed'
            when event_type = 'fallback_triggered' then 'later_fallback'
            when is_tool_error then 'later_tool_error'
            when is_tool_write then 'successful_write'
        end as reason
    from events
    where event_type in ('conversion', 'conversation_completed', 'fallback_triggered') or is_tool_error or is_tool_write

),

-- The last answer to whether it was solved counts: a negative one takes back what was proof before it.
answers_weighed as (

    select
        conversation_key, sequence_number, event_id, occurred_at,
        case when is_positive then 'proof' when feedback_question_kind = 'solved' then 'denial' else 'refusal' end as strength,
        case when is_positive then 'solved_answer' else 'negative_answer' end as reason
    from {{ ref('int_feedback_scored') }}
    where
        (is_positive and feedback_question_kind = 'solved')
        or (is_negative and feedback_question_kind in ('solved', 'satisfaction'))

),

-- What a text states of itself: that the agent has done it, or that the customer agrees.
labels_supported as (

    select
        labels.*,
        bool_or(labels.stage in ('claimed_resolved', 'solution_accepted')) over (partition by labels.conversation_key) as is_supported
    from {{ ref('int_stages_labelled') }} as labels
    inner join {{ ref('int_conversations_aggregated') }} as conversations on labels.conversation_key = conversations.conversation_key
    where conversations.purpose = 'support'

),

-- A text that states success is a claim, but never sufficient alone: agents claim success where there is none. Nor is a
-- classifier's word where it is not sure, or where no message shows more than that the conversation ended.
labels_weighed as (

    select
        conversation_key, sequence_number, event_id, occurred_at,
        case
            when stage = 'claimed_resolved' then 'statement'
            when is_supported and confidence >= {{ var('least_inference_confidence') }} then 'inference'
            else 'doubt'
        end as strength,
        case
            when stage = 'claimed_resolved' then 'claimed_in_text'
            when is_supported and confidence >= {{ var('least_inference_confidence') }} then 'classified_resolved'
            else 'unsure'
        end as reason
    from labels_supported
    where stage in ('resolved', 'claimed_resolved')

),

evidence as (

    select * from facts_judged
    union all
    select * from answers_weighed
    union all
    select * from {{ ref('int_success_signals_matched') }}
    union all
    select * from {{ ref('int_replies_weighed') }}
    union all
    select * from labels_weighed

)

select * from evidence
