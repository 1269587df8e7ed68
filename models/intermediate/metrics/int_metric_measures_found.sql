-- One row per metric and group of measures that it needs: at which places of the group's list they stand.
with

metrics as (

    select * from {{ ref('int_metrics_defined') }}

),

positions as (

    {{ measure_positions(ref('int_conversation_measures_counted'), 'conversations') }}
    union all
    {{ measure_positions(ref('int_interaction_measures_counted'), 'interactions') }}
    union all
    {{ measure_positions(ref('int_sales_measures_counted'), 'sales') }}

),

-- What each measure is to each metric; squares and products carry the names of their measures.
roles as (

    select metric_name, numerator as measure_name, 'numerator' as role from metrics
    union all
    select metric_name, denominator as measure_name, 'denominator' as role from metrics
    union all
    select metric_name, numerator || '_squared' as measure_name, 'numerator_squared' as role from metrics
    union all
    select metric_name, denominator || '_squared' as measure_name, 'denominator_squared' as role from metrics
    union all
    select metric_name, numerator || '_x_' || denominator as measure_name, 'product' as role from metrics
    union all
    select metric_name, denominator || '_conversations' as measure_name, 'clusters' as role from metrics

),

measures_found as (

    select
        roles.metric_name,
        positions.measure_group,
        max(case when roles.role = 'numerator' then positions.position end) as numerator_position,
        max(case when roles.role = 'denominator' then positions.position end) as denominator_position,
        max(case when roles.role = 'numerator_squared' then positions.position end) as numerator_squared_position,
        max(case when roles.role = 'denominator_squared' then positions.position end) as denominator_squared_position,
        max(case when roles.role = 'product' then positions.position end) as product_position,
        max(case when roles.role = 'clusters' then positions.position end) as clusters_position
    from roles
    inner join positions on roles.measure_name = positions.measure_name
    group by roles.metric_name, positions.measure_group

),

measures_told_apart as (

    select
        *,
        -- Goals of a metric have names of their own and are in no list.
        count(*) over (partition by metric_name) > 1
        or max(numerator_position) over (partition by metric_name) is null as is_spread
    from measures_found

)

select * from measures_told_apart
