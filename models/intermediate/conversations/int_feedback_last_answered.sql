-- One row per conversation with a usable feedback answer: the last one, of any kind, and the last about satisfaction.
with

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

)

select * from last_answers
