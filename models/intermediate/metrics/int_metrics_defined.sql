-- One row per metric that metrics_daily states: the definitions, with one for each goal a production conversation reached.
with

definitions as (

    select * from {{ ref('metric_definitions') }}

),

goals as (

    select distinct reached.goal, 'conversion_rate:<goal>' as definition_name
    from {{ ref('int_conversation_goals_reached') }} as reached
    inner join {{ ref('int_conversations') }} as conversations on reached.conversation_key = conversations.conversation_key
    where conversations.environment = 'production'

),

metrics_defined as (

    select
        definitions.metric_name as definition_name,
        goals.goal,
        case when goals.goal is null then definitions.metric_name else 'conversion_rate:' || goals.goal end as metric_name,
        case when goals.goal is null then definitions.numerator else 'goal_count:' || goals.goal end as numerator,
        definitions.denominator,
        definitions.scale,
        definitions.lower_bound,
        definitions.upper_bound,
        definitions.kind,
        definitions.unit,
        definitions.minimum_sample,
        definitions.is_compared,
        definitions.maturity_hours
    from definitions
    left join goals on definitions.metric_name = goals.definition_name

)

select * from metrics_defined
where metric_name <> 'conversion_rate:<goal>'
