-- One row per restated conversation, funnel and stage that the best attempt reached in order.
with recursive

entries as (

    select * from {{ ref('int_funnel_entries_found') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

signals_of_entries as (

    select
        stage_signals.conversation_key,
        stage_signals.funnel,
        stage_signals.stage_order,
        stage_signals.position,
        stage_signals.occurred_at,
        stages.within_hours
    from {{ ref('int_stage_signals_found') }} as stage_signals
    inner join entries
        on stage_signals.conversation_key = entries.conversation_key and stage_signals.funnel = entries.funnel
    inner join stages on stage_signals.funnel = stages.funnel and stage_signals.stage_order = stages.stage_order

),

-- Every occurrence from which an attempt can go on is kept, not the earliest: with a window on each step a later
-- proposal may carry the attempt that an earlier one cannot.
attempts as (

    select conversation_key, funnel, stage_order, position, occurred_at
    from signals_of_entries
    where stage_order = 1

    union

    select following.conversation_key, following.funnel, following.stage_order, following.position, following.occurred_at
    from attempts
    inner join signals_of_entries as following
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

    select conversation_key, funnel, stage_order, min(position) as position
    from attempts
    group by conversation_key, funnel, stage_order

)

select * from stages_reached_in_order
