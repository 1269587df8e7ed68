-- One row per restated production conversation: what happened in it, and the scores that follow from that.
with

agents as (

    select * from {{ ref('agents') }}

),

-- What holds for agents without a row of their own.
other_agents as (

    select coalesce(max(reference_message_count), 6) as reference_message_count
    from agents
    where agent is null

),

conversations as (

    select
        decided.*,
        decided.is_engaged and decided.is_closed as is_settled,
        case
            when decided.ended_at >= decided.started_at
                then {{ milliseconds_between('decided.started_at', 'decided.ended_at') }} / 1000.0
        end as elapsed_seconds,
        coalesce(agents.reference_message_count, other_agents.reference_message_count) as reference_message_count,
        goals.goal_share,
        contacts.is_first_contact, contacts.is_durably_resolved_24h, contacts.is_durably_resolved_72h, contacts.is_durably_resolved_7d
    from {{ ref('int_conversations_decided') }} as decided
    cross join other_agents
    left join agents on decided.agent = agents.agent
    left join {{ ref('int_contacts_compared') }} as contacts on decided.conversation_key = contacts.conversation_key
    left join {{ ref('int_conversation_goals_counted') }} as goals on decided.conversation_key = goals.conversation_key

),

-- The published formula is the mean of those of three signals that are there. Its faults are satisfaction_score's to mend.
signals_read as (

    select
        *,
        case when rating >= 0.75 then 1.0 when rating <= 0.25 then 0.0 end as rating_signal,
        case
            when completed_at is not null and user_message_count <= 3 then 0.9
            when handoff_requested_at is not null or handoff_connected_at is not null then 0.3
            when completed_at is null then 0.1
        end as completion_signal,
        case when user_message_count > 2 then greatest(0.0, 0.8 - greatest(0, user_message_count - 3) * 0.1) end as length_signal
    from conversations

),

conversations_scored as (

    select
        *,
        case
            when is_settled
                then
                    coalesce(
                        cast(coalesce(rating_signal, 0) + coalesce(completion_signal, 0) + coalesce(length_signal, 0) as double)
                        / nullif(
                            case when rating_signal is null then 0 else 1 end + case when completion_signal is null then 0 else 1 end
                            + case when length_signal is null then 0 else 1 end, 0
                        ), 0.5
                    )
        end as satisfaction_score_v1,
        -- Who says it is believed; else how it ended, a little less for every message more than three and for what had to be said again.
        case
            when not is_settled then null
            when satisfaction_rating is not null then satisfaction_rating
            else cast(
                case outcome
                    when 'resolved_confirmed' then 0.90
                    when 'resolved_inferred' then 0.80
                    when 'escalated' then 0.50
                    when 'ended_unresolved' then 0.35
                    when 'abandoned' then 0.20
                end - least(0.09, 0.01 * greatest(0, user_message_count - 3) + 0.02 * coalesce(rephrase_count, 0)) as double
            )
        end as satisfaction_score,
        cast(
            case
                when not is_settled then null when outcome = 'resolved_confirmed' then 100 when outcome = 'resolved_inferred' then 80
                else 0
            end as double
        ) as resolution_score,
        case
            when is_settled and is_resolved
                then 100.0 * least(1.0, cast(reference_message_count as double) / greatest(1, user_message_count))
        end as efficiency_score,
        case when is_settled then 50.0 + 50.0 * sentiment_average end as sentiment_score,
        case when is_settled then 100.0 * goal_share end as goal_completion_score
    from signals_read

)

select * from conversations_scored
