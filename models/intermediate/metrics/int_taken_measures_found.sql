-- One row per metric that is a mean, rate or ratio over conversations: at which places of a conversation's list its measures stand.
with

metrics as (

    select * from {{ ref('int_metrics_defined') }}
    where denominator is not null

),

positions as (

    {{ measure_positions(ref('int_conversation_measures_taken'), 'conversations', taken_measure_keys()) }}
    union all
    {{ measure_positions(ref('int_interaction_measures_taken'), 'interactions', taken_measure_keys()) }}
    union all
    {{ measure_positions(ref('int_sales_measures_taken'), 'sales', taken_measure_keys()) }}

),

-- The numerator of a goal is in no list: who reached it is known by conversation.
measures_found as (

    select
        metrics.metric_name,
        metrics.goal,
        denominators.measure_group,
        numerators.position as numerator_position,
        denominators.position as denominator_position
    from metrics
    inner join positions as denominators on metrics.denominator = denominators.measure_name
    left join positions as numerators
        on metrics.numerator = numerators.measure_name and denominators.measure_group = numerators.measure_group
    where metrics.goal is not null or numerators.position is not null

)

select * from measures_found
