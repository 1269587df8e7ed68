-- One row per conversation with a usable feedback answer: the last one, of any kind.
with

answers as (

    select *
    from {{ ref('int_feedback_scored') }}
    where rating_score is not null

),

last_answers as (

    select
        conversation_key,
        max_by(rating_score, sequence_number) as rating,
        max_by(feedback_question_kind, sequence_number) as feedback_question_kind,
        max(sequence_number) as last_sequence,
        max(case when star_count is not null then sequence_number end) as last_star_sequence,
        max_by(star_count, sequence_number) filter (where star_count is not null) as last_star_count
    from answers
    group by conversation_key

),

last_answers_scaled as (

    select
        conversation_key,
        rating,
        feedback_question_kind,
        case when last_star_sequence = last_sequence then last_star_count end as csat
    from last_answers

)

select * from last_answers_scaled
