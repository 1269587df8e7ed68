-- One row per goal that any production conversation ever reached.
with

goals_reached as (

    select distinct goals.goal
    from {{ ref('int_conversation_goals_reached') }} as goals
    inner join {{ ref('int_conversations') }} as conversations on goals.conversation_key = conversations.conversation_key
    where conversations.environment = 'production'

)

select * from goals_reached
