-- One row per conversation with a usable feedback answer: the last one, of any kind.
with

answers_ranked as (

    select
        *,
        row_number() over (partition by conversation_key order by sequence_number desc) as answers_later
    from {{ ref('int_feedback_scored') }}
    where rating_score is not null

),

last_answers as (

    select
        conversation_key,
        rating_score as rating,
        star_count as csat,
        feedback_question_kind
    from answers_ranked
    where answers_later = 1

)

select * from last_answers
