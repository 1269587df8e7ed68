-- One row per compared metric and production conversation of its 28 days whose user has several in them: how it counts in the rate.
{{ config(materialized='table') }}
with

periods as (

    select metric_name, min(date_from) as date_from, max(date_to) as date_to
    from {{ ref('int_segments_compared') }}
    group by metric_name

),

-- Users without an id are unknown, and count as one conversation each.
measures as (

    select *
    from {{ ref('int_measures_taken') }}
    where user_key is not null and date >= (select min(periods.date_from) from periods)

),

repeated as (

    select measure_group, user_key
    from measures
    group by measure_group, user_key
    having count(*) > 1

),

measures_of_metrics as (

    select
        found.metric_name,
        found.goal,
        measures.conversation_key,
        measures.user_key,
        {{ item_at('measures.measures', 'found.numerator_position') }} as numerator,
        {{ item_at('measures.measures', 'found.denominator_position') }} as denominator
    from measures
    inner join repeated on measures.measure_group = repeated.measure_group and measures.user_key = repeated.user_key
    inner join {{ ref('int_taken_measures_found') }} as found on measures.measure_group = found.measure_group
    inner join periods
        on found.metric_name = periods.metric_name and measures.date >= periods.date_from and measures.date <= periods.date_to

),

repeats_compared as (

    select
        measures.metric_name,
        measures.conversation_key,
        measures.user_key,
        cast(
            case when measures.goal is null then measures.numerator else {{ one_if('goals.goal is not null') }} end as bigint
        ) as numerator,
        cast(measures.denominator as bigint) as denominator
    from measures_of_metrics as measures
    left join {{ ref('int_conversation_goals_reached') }} as goals
        on measures.conversation_key = goals.conversation_key and measures.goal = goals.goal
    where measures.denominator > 0

)

select * from repeats_compared
