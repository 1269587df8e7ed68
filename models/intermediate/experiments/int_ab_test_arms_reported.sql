-- One row per test, phase, metric, segment and planned variant: its own numbers at the look its result is read from.
{{ config(materialized='ephemeral') }}
with

arms as (

    select * from {{ ref('int_ab_test_arms_estimated') }}

),

looks as (

    select * from {{ ref('int_ab_test_looks_adjusted') }}

),

looks_of_controls as (

    select test_name, phase, metric, segment, look_date, bool_and(is_after_horizon) as is_after_horizon
    from looks
    group by test_name, phase, metric, segment, look_date

),

-- A fixed horizon stops at its last look; the control stands as of the newest look at any of its comparisons.
last_looks as (

    select arms.test_name, arms.phase, arms.metric, arms.segment, arms.variant, max(arms.look_date) as look_date
    from arms
    left join looks
        on
            arms.test_name = looks.test_name and arms.phase = looks.phase and arms.metric = looks.metric
            and arms.segment = looks.segment and arms.look_date = looks.look_date and arms.variant = looks.variant
    left join looks_of_controls
        on
            arms.test_name = looks_of_controls.test_name and arms.phase = looks_of_controls.phase
            and arms.metric = looks_of_controls.metric and arms.segment = looks_of_controls.segment
            and arms.look_date = looks_of_controls.look_date
    where not coalesce(looks.is_after_horizon, looks_of_controls.is_after_horizon, false)
    group by arms.test_name, arms.phase, arms.metric, arms.segment, arms.variant

),

arms_reported as (

    select arms.*
    from arms
    inner join last_looks
        on
            arms.test_name = last_looks.test_name and arms.phase = last_looks.phase and arms.metric = last_looks.metric
            and arms.segment = last_looks.segment and arms.variant = last_looks.variant and arms.look_date = last_looks.look_date

)

select * from arms_reported
