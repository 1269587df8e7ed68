-- One row per test, phase, metric, segment and planned variant: its own numbers at the look its result is read from.
with

arms as (

    select * from {{ ref('int_ab_test_arms_estimated') }}

),

looks as (

    select * from {{ ref('int_ab_test_looks_adjusted') }}

),

looks_of_controls as (

    select comparison_key, look_date, bool_and(is_after_plan) as is_after_plan
    from looks
    group by comparison_key, look_date

),

-- A group-sequential test stops at its last look; the control stands as of the newest look at any of its comparisons.
last_looks as (

    select arms.comparison_key, arms.variant, max(arms.look_date) as look_date
    from arms
    left join looks
        on arms.comparison_key = looks.comparison_key and arms.look_date = looks.look_date and arms.variant = looks.variant
    left join looks_of_controls
        on arms.comparison_key = looks_of_controls.comparison_key and arms.look_date = looks_of_controls.look_date
    where not coalesce(looks.is_after_plan, looks_of_controls.is_after_plan, false)
    group by arms.comparison_key, arms.variant

),

arms_reported as (

    select arms.*
    from arms
    inner join last_looks
        on
            arms.comparison_key = last_looks.comparison_key and arms.variant = last_looks.variant
            and arms.look_date = last_looks.look_date

)

select * from arms_reported
