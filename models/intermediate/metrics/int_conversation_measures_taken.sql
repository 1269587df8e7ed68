-- One row per production conversation: what it counts for in each measure, in whole numbers; null where a measure says nothing of it.
with

conversations as (

    select
        conversations.*,
        is_engaged and is_closed as is_engaged_and_closed,
        user_message_count + agent_message_count as message_count,
        -- Without a user id a return cannot be seen.
        is_resolved and user_id is not null as is_followed,
        is_first_contact and is_mature and (not is_resolved or is_durably_resolved_7d is not null) as is_known_first_contact,
        -- Clocks differ: a completion before the start takes no time that could be known.
        case
            when completed_at >= started_at then {{ milliseconds_between('started_at', 'completed_at') }}
        end as duration_ms,
        cast(round(1000 * session_seconds) as bigint) as session_ms,
        -- An incomplete cost gives no cost per resolution: a part of the cost over all resolutions would be too low.
        case when uncosted_message_count = 0 then cast(round(1000000000 * cost_usd) as decimal(19, 0)) end as full_cost_nano_usd,
        sources.can_report_completion
    from {{ ref('fct_conversations') }} as conversations
    inner join {{ ref('sources') }} as sources on conversations.source = sources.source

),

measures_taken as (

    select
        conversation_key,
        id_namespace || ':' || user_id as user_key,
        conversation_date as date,
        {{ start_of_local_hour('started_at') }} as hour_at,

        -- volume and outcomes
        1 as conversation_count,
        {{ one_if('is_engaged') }} as engaged_count,
        {{ one_if('is_engaged_and_closed') }} as engaged_closed_count,
        {{ one_if('is_engaged_and_closed and can_report_completion') }} as completion_reported_count,
        {{ one_if('is_engaged_and_closed and can_report_completion and completed_at is not null') }} as completed_count,
        {{ one_if("is_engaged_and_closed and outcome = 'abandoned'") }} as abandoned_count,
        {{ one_if("is_engaged_and_closed and outcome = 'escalated'") }} as handoff_count,
        {{ one_if("is_engaged_and_closed and outcome <> 'escalated'") }} as contained_count,
        {{ one_if('is_engaged_and_closed and is_resolved') }} as resolved_count,
        {{ one_if("is_engaged_and_closed and outcome = 'resolved_confirmed'") }} as proven_count,
        {{ one_if("is_engaged_and_closed and (is_resolved or outcome_reason = 'unsure')") }} as possibly_resolved_count,
        {{ one_if('is_engaged_and_closed and claimed_resolved') }} as claimed_count,
        {{ one_if('is_engaged_and_closed and conversion_count > 0') }} as converted_count,
        {{ one_if('is_engaged_and_closed and conversations.fallback_count > 0') }} as fallback_count,
        {{ one_if('is_engaged_and_closed and conversations.tool_call_count > 0') }} as tool_user_count,
        {{ one_if('is_engaged_and_closed and conversations.tool_error_count > 0') }} as tool_error_count,

        -- feedback of the customer; the question is asked after more than 3 messages, so that there is something to judge
        {{ one_if('is_engaged_and_closed and message_count > 3') }} as feedback_askable_count,
        {{ one_if('is_engaged_and_closed and message_count > 3 and rating is not null') }} as feedback_answered_count,
        {{ one_if('rating is not null') }} as feedback_given_count,
        {{ one_if('messages_before_feedback <= 3') }} as feedback_early_count,
        {{ one_if("feedback_question_kind = 'satisfaction' and csat is not null") }} as csat_count,
        {{ one_if('is_engaged_and_closed and rephrase_count is not null') }} as rephrase_known_count,
        {{ one_if("is_engaged_and_closed and outcome = 'abandoned' and rephrase_count >= 2") }} as rephrase_abandoned_count,
        {{ one_if("is_engaged_and_closed and outcome = 'abandoned' and rephrase_count >= 3") }} as rephrased_thrice_count,
        {{ one_if('sentiment_average is not null') }} as sentiment_count,
        {{ one_if('sentiment_score is not null') }} as sentiment_score_count,
        {{ one_if('efficiency_score is not null') }} as efficiency_count,
        {{ one_if('goal_completion_score is not null') }} as goal_completion_count,
        cast(round(100 * satisfaction_score) as bigint) as satisfaction_points,
        cast(case when feedback_question_kind = 'satisfaction' then round(100 * csat) end as bigint) as csat_points,
        cast(round(1000000 * sentiment_average) as bigint) as sentiment_points,
        cast(round(10000 * sentiment_score) as bigint) as sentiment_score_points,
        cast(resolution_score as bigint) as resolution_points,
        cast(round(10000 * efficiency_score) as bigint) as efficiency_points,
        cast(round(10000 * goal_completion_score) as bigint) as goal_completion_points,

        -- turns, messages and time
        case when is_engaged then user_message_count end as turns,
        message_count as messages,
        duration_ms,
        session_ms,
        first_response_ms,
        fallback_turn_count as fallback_turns,
        answered_turn_count as answered_turns,
        rephrase_count as rephrases,
        compared_message_count as compared_messages,
        {{ one_if('duration_ms is not null') }} as duration_ms_count,
        {{ one_if('session_ms is not null') }} as session_ms_count,
        {{ one_if('first_response_ms is not null') }} as first_response_ms_count,
        {{ one_if('answered_turn_count > 0') }} as answered_turns_conversations,
        {{ one_if('compared_message_count > 0') }} as compared_messages_conversations,

        -- whether solutions lasted, null unless engaged and closed
        {{ one_if('is_engaged_and_closed and is_resolved and not is_followed') }} as resolved_unknown_user_count,
        {{ one_among('is_engaged_and_closed', 'is_followed') }} as followed_count,
        {{ one_among('is_engaged_and_closed', 'is_followed and is_durably_resolved_7d is null') }} as maturing_7d_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_24h is not null') }} as followed_24h_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_72h is not null') }} as followed_72h_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_7d is not null') }} as followed_7d_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_24h') }} as durable_24h_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_72h') }} as durable_72h_count,
        {{ one_among('is_engaged_and_closed', 'is_durably_resolved_7d') }} as durable_7d_count,
        {{ one_among('is_engaged_and_closed', 'is_known_first_contact') }} as first_contact_count,
        {{ one_among('is_engaged_and_closed', 'is_known_first_contact and is_durably_resolved_7d') }} as first_contact_resolved_count,

        -- cost, in whole nanodollars
        {{ one_if('cost_usd is not null') }} as cost_known_count,
        cast(round(1000000000 * cost_usd) as decimal(19, 0)) as cost_nano_usd,
        cast(round(1000000000 * labelling_cost_usd) as decimal(19, 0)) as labelling_nano_usd,
        {{ one_if('agent_message_count > 0') }} as answered_conversation_count,
        {{ one_if('agent_message_count > 0 and full_cost_nano_usd is not null') }} as costed_conversation_count,
        full_cost_nano_usd,
        {{ one_among('full_cost_nano_usd is not null', 'is_engaged_and_closed and is_resolved') }} as costed_resolutions,
        {{ one_among('full_cost_nano_usd is not null', 'is_engaged_and_closed and is_durably_resolved_7d') }}
            as costed_durable_resolutions,
        {{ one_if('full_cost_nano_usd is not null') }} as costed_resolutions_conversations,
        {{ one_if('full_cost_nano_usd is not null') }} as costed_durable_resolutions_conversations
    from conversations

)

select * from measures_taken
