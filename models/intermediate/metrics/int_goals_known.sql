-- One row per goal that any production conversation ever reached.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_goals_known') %}
with

goals_reached as (

    select distinct goals.goal
    from {{ ref('int_conversation_goals_reached') }} as goals
    inner join {{ ref('int_conversations') }} as conversations on goals.conversation_key = conversations.conversation_key
    where conversations.environment = 'production'

),

known_before as (

    {% if before -%}
    select goal, is_new from {{ before }}
    {%- else -%}
    select goal, true as is_new from goals_reached
    {%- endif %}

),

-- A goal seen for the first time was 0 on every day before: all days are stated anew.
news_marked as (

    select
        goals_reached.goal,
        known_before.goal is null or (known_before.is_new and {{ 'true' if was_interrupted() else 'false' }}) as is_new
    from goals_reached
    left join known_before on goals_reached.goal = known_before.goal

)

select * from news_marked
