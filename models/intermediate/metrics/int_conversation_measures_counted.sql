-- One row per date or hour this run states and segment: what its conversations add up to, cost, and whether their solutions lasted.
{{ config(materialized='table') }}
with

conversations as (

    select
        conversations.*,
        {{ start_of_local_hour('started_at') }} as started_hour_at,
        is_engaged and is_closed as is_engaged_and_closed,
        is_engaged and is_closed and sources.can_report_completion as is_completion_reported,
        -- Clocks differ: a completion before the start takes no time that could be known.
        case
            when completed_at >= started_at then {{ milliseconds_between('started_at', 'completed_at') }}
        end as duration_ms,
        cast(round(1000 * session_seconds) as bigint) as session_ms,
        user_message_count + agent_message_count as message_count,
        -- Without a user id a return cannot be seen.
        is_engaged and is_closed and is_resolved and user_id is not null as is_followed,
        is_engaged and is_closed and is_first_contact and is_mature
        and (not is_resolved or is_durably_resolved_7d is not null) as is_known_first_contact,
        cast(round(1000000000 * cost_usd) as decimal(19, 0)) as cost_nano_usd,
        cast(round(1000000000 * labelling_cost_usd) as decimal(19, 0)) as labelling_nano_usd,
        -- An incomplete cost gives no cost per resolution: a part of the cost over all resolutions would be too low.
        case when uncosted_message_count = 0 then cast(round(1000000000 * cost_usd) as decimal(19, 0)) end as full_cost_nano_usd,
        case when is_engaged and is_closed and is_resolved then 1 else 0 end as resolution,
        case when is_engaged and is_closed and is_durably_resolved_7d then 1 else 0 end as durable_resolution
    from {{ ref('fct_conversations') }} as conversations
    inner join {{ ref('sources') }} as sources on conversations.source = sources.source
    where {{ only_affected_dates('conversation_date') }}

),

measures_counted as (

    select
        conversations.conversation_date as date,
        segments.grain,
        case when segments.grain = 'hour' then conversations.started_hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,

        -- volume and outcomes
        count(*) as conversation_count,
        count(case when is_engaged then 1 end) as engaged_count,
        count(case when is_engaged_and_closed then 1 end) as engaged_closed_count,
        count(case when is_completion_reported then 1 end) as completion_reported_count,
        count(case when is_completion_reported and completed_at is not null then 1 end) as completed_count,
        count(case when is_engaged_and_closed and outcome = 'abandoned' then 1 end) as abandoned_count,
        count(case when is_engaged_and_closed and outcome = 'escalated' then 1 end) as handoff_count,
        count(case when is_engaged_and_closed and outcome <> 'escalated' then 1 end) as contained_count,
        count(case when is_engaged_and_closed and is_resolved then 1 end) as resolved_count,
        count(case when is_engaged_and_closed and outcome = 'resolved_confirmed' then 1 end) as proven_count,
        count(case when is_engaged_and_closed and (is_resolved or outcome_reason = 'unsure') then 1 end) as possibly_resolved_count,
        count(case when is_engaged_and_closed and claimed_resolved then 1 end) as claimed_count,
        count(case when is_engaged_and_closed and conversion_count > 0 then 1 end) as converted_count,
        count(case when is_engaged_and_closed and conversations.fallback_count > 0 then 1 end) as fallback_count,
        count(case when is_engaged_and_closed and conversations.tool_call_count > 0 then 1 end) as tool_user_count,
        count(case when is_engaged_and_closed and conversations.tool_error_count > 0 then 1 end) as tool_error_count,

        -- feedback of the customer; the question is asked after more than 3 messages, so that there is something to judge
        count(case when is_engaged_and_closed and message_count > 3 then 1 end) as feedback_askable_count,
        count(case when is_engaged_and_closed and message_count > 3 then rating end) as feedback_answered_count,
        count(rating) as feedback_given_count,
        count(case when messages_before_feedback <= 3 then 1 end) as feedback_early_count,
        count(case when feedback_question_kind = 'satisfaction' then csat end) as csat_count,
        count(case when is_engaged_and_closed then rephrase_count end) as rephrase_known_count,
        count(case when is_engaged_and_closed and outcome = 'abandoned' and rephrase_count >= 2 then 1 end) as rephrase_abandoned_count,
        count(case when is_engaged_and_closed and outcome = 'abandoned' and rephrase_count >= 3 then 1 end) as rephrased_thrice_count,
        count(sentiment_average) as sentiment_count,
        count(sentiment_score) as sentiment_score_count,
        count(efficiency_score) as efficiency_count,
        count(goal_completion_score) as goal_completion_count,
        {{ sum_and_square('round(100 * satisfaction_score)', 'satisfaction_points') }},
        {{ sum_and_square("case when feedback_question_kind = 'satisfaction' then round(100 * csat) end", 'csat_points') }},
        {{ sum_and_square('round(1000000 * sentiment_average)', 'sentiment_points') }},
        {{ sum_and_square('round(10000 * sentiment_score)', 'sentiment_score_points') }},
        {{ sum_and_square('resolution_score', 'resolution_points') }},
        {{ sum_and_square('round(10000 * efficiency_score)', 'efficiency_points') }},
        {{ sum_and_square('round(10000 * goal_completion_score)', 'goal_completion_points') }},

        -- sums and sums of squares, exact whole numbers
        {{ sum_and_square('case when is_engaged then user_message_count end', 'turns') }},
        {{ sum_and_square('message_count', 'messages') }},
        {{ sum_and_square('duration_ms', 'duration_ms') }},
        {{ sum_and_square('session_ms', 'session_ms') }},
        {{ sum_and_square('first_response_ms', 'first_response_ms') }},
        {{ sum_and_square('fallback_turn_count', 'fallback_turns') }},
        {{ sum_and_square('answered_turn_count', 'answered_turns') }},
        count(duration_ms) as duration_ms_count,
        count(session_ms) as session_ms_count,
        count(first_response_ms) as first_response_ms_count,
        count(case when answered_turn_count > 0 then 1 end) as answered_turns_conversations,
        {{ exact_sum('fallback_turn_count * answered_turn_count') }} as fallback_turns_x_answered_turns,
        {{ sum_and_square('rephrase_count', 'rephrases') }},
        {{ sum_and_square('compared_message_count', 'compared_messages') }},
        count(case when compared_message_count > 0 then 1 end) as compared_messages_conversations,
        {{ exact_sum('rephrase_count * compared_message_count') }} as rephrases_x_compared_messages,

        -- whether solutions lasted, null where nothing is engaged and closed
        count(case when is_engaged_and_closed and is_resolved and not is_followed then 1 end) as resolved_unknown_user_count,
        {{ count_among('is_engaged_and_closed', 'is_followed') }} as followed_count,
        {{ count_among('is_engaged_and_closed', 'is_followed and is_durably_resolved_7d is null') }} as maturing_7d_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_24h is not null') }} as followed_24h_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_72h is not null') }} as followed_72h_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_7d is not null') }} as followed_7d_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_24h') }} as durable_24h_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_72h') }} as durable_72h_count,
        {{ count_among('is_engaged_and_closed', 'is_durably_resolved_7d') }} as durable_7d_count,
        {{ count_among('is_engaged_and_closed', 'is_known_first_contact') }} as first_contact_count,
        {{ count_among('is_engaged_and_closed', 'is_known_first_contact and is_durably_resolved_7d') }} as first_contact_resolved_count,

        -- cost, in whole nanodollars
        count(cost_usd) as cost_known_count,
        {{ exact_sum('cost_nano_usd') }} as cost_nano_usd,
        {{ exact_sum('labelling_nano_usd') }} as labelling_nano_usd,
        count(case when agent_message_count > 0 then 1 end) as answered_conversation_count,
        count(case when agent_message_count > 0 then full_cost_nano_usd end) as costed_conversation_count,
        {{ sum_and_square('full_cost_nano_usd', 'full_cost_nano_usd') }},
        {{ sum_and_square('case when full_cost_nano_usd is not null then resolution end', 'costed_resolutions') }},
        {{ sum_and_square('case when full_cost_nano_usd is not null then durable_resolution end', 'costed_durable_resolutions') }},
        count(full_cost_nano_usd) as costed_resolutions_conversations,
        count(full_cost_nano_usd) as costed_durable_resolutions_conversations,
        {{ exact_sum('full_cost_nano_usd * resolution') }} as full_cost_nano_usd_x_costed_resolutions,
        {{ exact_sum('full_cost_nano_usd * durable_resolution') }} as full_cost_nano_usd_x_costed_durable_resolutions
    from conversations
    inner join {{ ref('int_conversation_segments_listed') }} as segments on conversations.conversation_key = segments.conversation_key
    group by
        conversations.conversation_date, segments.grain, case when segments.grain = 'hour' then conversations.started_hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
