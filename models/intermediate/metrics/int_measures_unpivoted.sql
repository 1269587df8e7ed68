-- One row per date or hour this run states, segment and measure that metric_definitions may name.
{{ config(materialized='table') }}
with

measures_of_conversations as (

    {{ unpivot_measures(ref('int_conversation_measures_counted'), var('measures')['conversations']) }}

),

measures_of_interactions as (

    {{ unpivot_measures(ref('int_interaction_measures_counted'), var('measures')['interactions']) }}

),

measures_of_sales as (

    {{ unpivot_measures(ref('int_sales_measures_counted'), var('measures')['sales']) }}

),

measures_of_durability as (

    {{ unpivot_measures(ref('int_durability_measures_counted'), var('measures')['durability']) }}

),

measures_of_costs as (

    {{ unpivot_measures(ref('int_cost_measures_counted'), var('measures')['costs']) }}

),

measures_united as (

    select * from measures_of_conversations
    union all
    select * from measures_of_interactions
    union all
    select * from measures_of_sales
    union all
    select * from measures_of_durability
    union all
    select * from measures_of_costs
    union all
    select date, grain, hour_at, segment, segment_type, segment_value, measure_name, measure_value
    from {{ ref('int_goal_measures_counted') }}

)

select * from measures_united
