-- One row per restated conversation whose agent has goals: the share of them that it reached.
with

conversations as (

    select conversations.conversation_key, conversations.agent
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_restated') }} as restated on conversations.conversation_key = restated.conversation_key

),

agents as (

    select * from {{ ref('agents') }}

),

-- What holds for agents without a row of their own.
other_agents as (

    select max(goals) as goals
    from agents
    where agent is null

),

goals_expected as (

    select
        conversations.conversation_key,
        case when agents.agent is not null then agents.goals else other_agents.goals end as goals
    from conversations
    cross join other_agents
    left join agents on conversations.agent = agents.agent

),

goals_counted as (

    select
        expected.conversation_key,
        cast(
            count(
                case
                    when replace('|' || expected.goals || '|', '|' || reached.goal || '|', '') <> '|' || expected.goals || '|'
                        then reached.goal
                end
            ) as double
        )
        / (1 + max(length(expected.goals)) - max(length(replace(expected.goals, '|', '')))) as goal_share
    from goals_expected as expected
    left join {{ ref('int_conversation_goals_reached') }} as reached on expected.conversation_key = reached.conversation_key
    where expected.goals is not null
    group by expected.conversation_key

)

select * from goals_counted
