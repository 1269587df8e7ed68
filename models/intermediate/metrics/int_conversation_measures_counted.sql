-- One row per date or hour this run states and segment: what its conversations add up to, cost, and whether their solutions lasted.
{{ config(materialized='table') }}
{%- set counts = [
    'conversation_count', 'engaged_count', 'engaged_closed_count', 'completion_reported_count', 'completed_count', 'abandoned_count',
    'handoff_count', 'contained_count', 'resolved_count', 'proven_count', 'possibly_resolved_count', 'claimed_count', 'converted_count',
    'fallback_count', 'tool_user_count', 'tool_error_count', 'feedback_askable_count', 'feedback_answered_count', 'feedback_given_count',
    'feedback_early_count', 'csat_count', 'rephrase_known_count', 'rephrase_abandoned_count', 'rephrased_thrice_count', 'sentiment_count',
    'sentiment_score_count', 'efficiency_count', 'goal_completion_count', 'duration_ms_count', 'session_ms_count',
    'first_response_ms_count', 'answered_turns_conversations', 'compared_messages_conversations', 'resolved_unknown_user_count',
    'cost_known_count', 'cost_nano_usd', 'labelling_nano_usd', 'answered_conversation_count', 'costed_conversation_count',
    'costed_resolutions_conversations', 'costed_durable_resolutions_conversations',
] %}
{#- Null where nothing is engaged and closed. -#}
{%- set counts_of_some = [
    'followed_count', 'maturing_7d_count', 'followed_24h_count', 'followed_72h_count', 'followed_7d_count', 'durable_24h_count',
    'durable_72h_count', 'durable_7d_count', 'first_contact_count', 'first_contact_resolved_count',
] %}
{%- set squared = [
    'satisfaction_points', 'csat_points', 'sentiment_points', 'sentiment_score_points', 'resolution_points', 'efficiency_points',
    'goal_completion_points', 'turns', 'messages', 'duration_ms', 'session_ms', 'first_response_ms', 'fallback_turns', 'answered_turns',
    'rephrases', 'compared_messages', 'full_cost_nano_usd', 'costed_resolutions', 'costed_durable_resolutions',
] %}
{#- Of ratios of two sums. -#}
{%- set multiplied = [
    ('fallback_turns', 'answered_turns'), ('rephrases', 'compared_messages'), ('full_cost_nano_usd', 'costed_resolutions'),
    ('full_cost_nano_usd', 'costed_durable_resolutions'),
] %}
with

measures as (

    select *
    from {{ ref('int_conversation_measures_taken') }}
    where {{ only_affected_dates('date') }}

),

measures_counted as (

    select
        measures.date,
        segments.grain,
        case when segments.grain = 'hour' then measures.hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        {{ exact_sums(counts) }},
        {{ sums_of_known(counts_of_some) }},
        {{ exact_sums_and_squares(squared) }},
        {{ exact_sums_of_products(multiplied) }}
    from measures
    inner join {{ ref('int_conversation_segments_listed') }} as segments on measures.conversation_key = segments.conversation_key
    group by
        measures.date, segments.grain, case when segments.grain = 'hour' then measures.hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
