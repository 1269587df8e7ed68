-- One row per recomputed conversation of a known user: whether it is a first contact, and whether its solution lasted.
{{ config(materialized='table') }}
with

contacts as (

    select
        conversations.conversation_key,
        conversations.id_namespace,
        conversations.user_id,
        coalesce(conversations.agent, '') as agent,
        conversations.started_at,
        conversations.is_engaged,
        conversations.customer_returned_at,
        outcomes.resolved_at
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_outcomes_decided') }} as outcomes on conversations.conversation_key = outcomes.conversation_key
    where conversations.user_id is not null

),

-- Conversations that begin in the same instant are one visit.
visits as (

    select distinct id_namespace, user_id, coalesce(agent, '') as agent, started_at
    from {{ ref('int_conversations') }}
    where
        is_engaged and has_conversation_event and environment = 'production'
        and user_id in (select user_id from contacts)

),

-- Window functions instead of a join of visits with visits, because a thousand people may share one id.
visits_in_order as (

    select *, lag(started_at) over (partition by id_namespace, user_id, agent order by started_at) as visit_before_at
    from visits

),

solutions_and_visits as (

    select id_namespace, user_id, agent, started_at as happened_at, started_at, cast(null as {{ dbt.type_string() }}) as conversation_key
    from visits
    union all
    select id_namespace, user_id, agent, resolved_at as happened_at, null as started_at, conversation_key
    from contacts
    where resolved_at is not null

),

solutions_followed as (

    select
        conversation_key,
        -- A visit in the instant of the solution does not count as a later one.
        min(started_at) over (
            partition by id_namespace, user_id, agent
            order by happened_at, case when started_at is null then 1 else 0 end
            rows between 1 following and unbounded following
        ) as next_visit_at
    from solutions_and_visits

),

solutions_left as (

    select
        contacts.*,
        least(followed.next_visit_at, contacts.customer_returned_at) as came_back_at
    from contacts
    left join solutions_followed as followed on contacts.conversation_key = followed.conversation_key

),

contacts_compared as (

    select
        contacts.conversation_key,
        -- Who came before the data begin is not known.
        case
            when contacts.is_engaged and contacts.started_at >= {{ add_hours('watermarks.first_event_at', 168) }}
                then coalesce(visits_in_order.visit_before_at < {{ add_hours('contacts.started_at', -168) }}, true)
            when contacts.is_engaged and visits_in_order.visit_before_at is not null then false
        end as is_first_contact,
        {{ stayed_away('24', 'contacts.resolved_at', 'contacts.came_back_at', 'watermarks.watermark_at') }} as is_durably_resolved_24h,
        {{ stayed_away('72', 'contacts.resolved_at', 'contacts.came_back_at', 'watermarks.watermark_at') }} as is_durably_resolved_72h,
        {{ stayed_away('168', 'contacts.resolved_at', 'contacts.came_back_at', 'watermarks.watermark_at') }} as is_durably_resolved_7d
    from solutions_left as contacts
    inner join {{ ref('int_watermarks_measured') }} as watermarks on contacts.id_namespace = watermarks.id_namespace
    left join visits_in_order
        on
            contacts.id_namespace = visits_in_order.id_namespace and contacts.user_id = visits_in_order.user_id
            and contacts.agent = visits_in_order.agent and contacts.started_at = visits_in_order.started_at

)

select * from contacts_compared
