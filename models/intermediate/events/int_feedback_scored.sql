-- One row per feedback answer, thumbs and stars separated and put on one scale.
{{ replace_affected('int_conversations_affected') }}
with

events_counted as (

    select
        *,
        count(case when event_type <> 'feedback_received' then 1 end) over (
            partition by conversation_key order by sequence_number rows between unbounded preceding and current row
        ) as messages_before
    from {{ ref('int_events_affected') }}
    where event_type in ('user_message', 'agent_message', 'feedback_received')

),

answers as (

    select
        conversation_key,
        sequence_number,
        source,
        event_id,
        load_id,
        occurred_at,
        feedback_question_kind,
        messages_before,
        lower(rating) as rating,
        try_cast(rating as double) as rating_number,
        case
            when feedback_rating_type like 'star%' then 'stars'
            when feedback_rating_type like 'thumb%' then 'thumbs'
        end as stated_type
    from events_counted
    where event_type = 'feedback_received'

),

-- A bare 1 is the lowest number of stars or a positive thumb: without a stated type it is ambiguous and not used.
answers_typed as (

    select
        *,
        coalesce(
            stated_type,
            case
                when rating in ('positive', 'negative', 'true', 'false', 'up', 'down') or rating_number = 0 then 'thumbs'
                when rating_number between 2 and 5 then 'stars'
            end
        ) as rating_kind
    from answers

),

answers_scored as (

    select
        conversation_key,
        sequence_number,
        source,
        event_id,
        load_id,
        occurred_at,
        feedback_question_kind,
        messages_before,
        rating_kind,
        case when rating_kind = 'stars' and rating_number between 1 and 5 then rating_number end as star_count,
        case
            when rating_kind = 'stars' and rating_number between 1 and 5 then (rating_number - 1) / 4.0
            when rating_kind = 'thumbs' and (rating in ('positive', 'true', 'up') or rating_number = 1) then 1.0
            when rating_kind = 'thumbs' and (rating in ('negative', 'false', 'down') or rating_number = 0) then 0.0
        end as rating_score
    from answers_typed

),

answers_judged as (

    select
        *,
        coalesce(rating_kind = 'thumbs' and rating_score = 1.0 or star_count >= 4, false) as is_positive,
        coalesce(rating_kind = 'thumbs' and rating_score = 0.0 or star_count <= 2, false) as is_negative
    from answers_scored

)

select * from answers_judged
