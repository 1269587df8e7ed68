-- One row per hour, metric and segment that a rule watches, and known user: what the user's conversations add up to, and their squares.
{{ replace_affected('int_dates_affected', key='date') }}
with

watched as (

    select distinct metric_name, segment
    from {{ ref('alert_rules') }}

),

conversations_measured as (

    select
        measures.date,
        measures.hour_at,
        watched.metric_name,
        watched.segment,
        measures.user_key,
        measures.conversation_key,
        found.goal,
        {{ item_at('measures.measures', 'found.numerator_position') }} as numerator,
        {{ item_at('measures.measures', 'found.denominator_position') }} as denominator
    from watched
    inner join {{ ref('int_taken_measures_found') }} as found on watched.metric_name = found.metric_name
    inner join {{ ref('int_measures_taken') }} as measures on found.measure_group = measures.measure_group
    inner join {{ ref('int_conversation_segments_listed') }} as segments
        on measures.conversation_key = segments.conversation_key and watched.segment = segments.segment and segments.grain = 'hour'
    where measures.user_key is not null and {{ only_affected_dates('measures.date') }}

),

-- Products of numbers of 19 digits: see exact_sums_and_squares.
whole_numbers as (

    select
        measured.date,
        measured.hour_at,
        measured.metric_name,
        measured.segment,
        measured.user_key,
        cast(
            case when measured.goal is null then coalesce(measured.numerator, 0) else {{ one_if('goals.goal is not null') }} end
            as decimal(19, 0)
        ) as numerator,
        cast(measured.denominator as decimal(19, 0)) as denominator
    from conversations_measured as measured
    left join {{ ref('int_conversation_goals_reached') }} as goals
        on measured.conversation_key = goals.conversation_key and measured.goal = goals.goal
    where measured.denominator > 0

),

repeats_measured as (

    select
        date,
        hour_at,
        metric_name,
        segment,
        user_key,
        {{ exact_sums_and_squares(['numerator', 'denominator']) }},
        {{ exact_sum('numerator * denominator') }} as numerator_x_denominator
    from whole_numbers
    group by date, hour_at, metric_name, segment, user_key

)

select * from repeats_measured
