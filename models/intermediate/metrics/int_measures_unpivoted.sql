-- One row per date or hour this run states, segment and measure that metric_definitions may name.
{{ config(materialized='table') }}
with

measures_of_conversations as (

    {{ unpivot_measures(ref('int_conversation_measures_counted'), [
        'conversation_count', 'engaged_count', 'settled_count', 'completion_reported_count', 'completed_count',
        'abandoned_count', 'handoff_count', 'contained_count', 'resolved_count', 'claimed_count', 'converted_count',
        'fallback_count', 'tool_user_count', 'tool_error_count', 'turns', 'turns_squared', 'messages', 'messages_squared',
        'duration_ms', 'duration_ms_squared', 'duration_ms_count', 'session_ms', 'session_ms_squared', 'session_ms_count',
        'first_response_ms', 'first_response_ms_squared', 'first_response_ms_count', 'fallback_turns',
        'fallback_turns_squared', 'answered_turns', 'answered_turns_squared', 'answered_turns_conversations',
        'fallback_turns_x_answered_turns',
    ]) }}

),

measures_of_interactions as (

    {{ unpivot_measures(ref('int_interaction_measures_counted'), [
        'interaction_count', 'interaction_engaged_count', 'interaction_mature_count', 'interaction_ignored_count',
        'visitor_count', 'visitor_engaged_count', 'visitor_mature_count', 'visitor_ignored_count',
    ]) }}

),

measures_of_sales as (

    {{ unpivot_measures(ref('int_sales_measures_counted'), [
        'sales_started_count', 'responded_count', 'qualified_count', 'booked_count', 'attended_count',
        'responded_step_count', 'qualified_step_count', 'booked_step_count', 'attended_step_count', 'closed_step_count',
        'closed_of_started_count',
    ]) }}

),

measures_united as (

    select * from measures_of_conversations
    union all
    select * from measures_of_interactions
    union all
    select * from measures_of_sales
    union all
    select date, grain, hour_at, segment, segment_type, segment_value, measure_name, measure_value
    from {{ ref('int_goal_measures_counted') }}

)

select * from measures_united
