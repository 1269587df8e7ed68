-- One row per recomputed conversation, funnel and stage that the best attempt reached in order.
with recursive

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

first_occurrences as (

    select
        stage_signals.conversation_key,
        stage_signals.funnel,
        stage_signals.stage_order,
        min(stage_signals.position) as position,
        min(stage_signals.occurred_at) as occurred_at
    from {{ ref('int_stage_signals_standing') }} as stage_signals
    group by stage_signals.conversation_key, stage_signals.funnel, stage_signals.stage_order

),

first_occurrences_numbered as (

    select
        *,
        row_number() over (partition by conversation_key, funnel order by stage_order) as stage_number,
        lag(position) over (partition by conversation_key, funnel order by stage_order) as position_before,
        lag(occurred_at) over (partition by conversation_key, funnel order by stage_order) as occurred_before_at
    from first_occurrences

),

-- No stage counts after a gap. Up to the gap, an attempt of first occurrences is the best one if each follows the one before.
steps as (

    select
        first_occurrences_numbered.conversation_key,
        first_occurrences_numbered.funnel,
        first_occurrences_numbered.stage_order,
        first_occurrences_numbered.position,
        first_occurrences_numbered.stage_order = 1
        or (
            first_occurrences_numbered.position >= first_occurrences_numbered.position_before
            and (
                stages.within_hours is null
                or first_occurrences_numbered.occurred_at
                < {{ add_hours('first_occurrences_numbered.occurred_before_at', 'stages.within_hours') }}
            )
        ) as is_following
    from first_occurrences_numbered
    inner join stages
        on
            first_occurrences_numbered.funnel = stages.funnel
            and first_occurrences_numbered.stage_order = stages.stage_order
    where first_occurrences_numbered.stage_number = first_occurrences_numbered.stage_order

),

steps_judged as (

    select *, bool_or(not is_following) over (partition by conversation_key, funnel) as is_disordered
    from steps

),

signals_disordered as (

    select
        stage_signals.conversation_key,
        stage_signals.funnel,
        stage_signals.stage_order,
        stage_signals.position,
        stage_signals.occurred_at,
        stages.within_hours
    from {{ ref('int_stage_signals_standing') }} as stage_signals
    inner join steps_judged as first_steps
        on stage_signals.conversation_key = first_steps.conversation_key and stage_signals.funnel = first_steps.funnel
    inner join stages on stage_signals.funnel = stages.funnel and stage_signals.stage_order = stages.stage_order
    where first_steps.stage_order = 1 and first_steps.is_disordered

),

-- Every occurrence from which an attempt can go on is kept, not only the earliest: with a window on each step, an attempt may
-- succeed from a later proposal and fail from an earlier one.
attempts as (

    select conversation_key, funnel, stage_order, position, occurred_at
    from signals_disordered
    where stage_order = 1

    union

    select following.conversation_key, following.funnel, following.stage_order, following.position, following.occurred_at
    from attempts
    inner join signals_disordered as following
        on
            attempts.conversation_key = following.conversation_key
            and attempts.funnel = following.funnel
            and attempts.stage_order + 1 = following.stage_order
    where
        following.position >= attempts.position
        and (
            following.within_hours is null
            or following.occurred_at < {{ add_hours('attempts.occurred_at', 'following.within_hours') }}
        )

),

stages_reached_in_order as (

    select conversation_key, funnel, stage_order, position
    from steps_judged
    where not is_disordered

    union all

    select conversation_key, funnel, stage_order, min(position) as position
    from attempts
    group by conversation_key, funnel, stage_order

)

select * from stages_reached_in_order
