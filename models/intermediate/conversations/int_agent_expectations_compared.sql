-- One row per recomputed conversation: what is expected of its agent, and the share of the expected goals that it reached.
with

conversations as (

    select conversations.conversation_key, conversations.agent
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_recomputed') }} as recomputed on conversations.conversation_key = recomputed.conversation_key

),

agents as (

    select * from {{ ref('agents') }}

),

-- What holds for agents without a row of their own.
other_agents as (

    select max(goals) as goals, coalesce(max(reference_message_count), 6) as reference_message_count
    from agents
    where agent is null

),

expectations as (

    select
        conversations.conversation_key,
        coalesce(agents.reference_message_count, other_agents.reference_message_count) as reference_message_count,
        case when agents.agent is not null then agents.goals else other_agents.goals end as goals
    from conversations
    cross join other_agents
    left join agents on conversations.agent = agents.agent

),

expectations_compared as (

    select
        expectations.conversation_key,
        max(expectations.reference_message_count) as reference_message_count,
        cast(
            count(
                case
                    when replace('|' || expectations.goals || '|', '|' || reached.goal || '|', '') <> '|' || expectations.goals || '|'
                        then reached.goal
                end
            ) as double
        )
        / (1 + max(length(expectations.goals)) - max(length(replace(expectations.goals, '|', '')))) as goal_share
    from expectations
    left join {{ ref('int_conversation_goals_reached') }} as reached on expectations.conversation_key = reached.conversation_key
    group by expectations.conversation_key

)

select * from expectations_compared
