-- One row per recomputed production conversation that entered the sales funnel: how far it has brought the prospect so far.
with

entries as (

    select conversation_key
    from {{ ref('int_funnel_entries_found') }}
    where funnel = 'sales'

),

furthest as (

    select
        conversation_key,
        bool_or(stage = 'deal_closed') as is_converted,
        bool_or(stage in ('meeting_booked', 'meeting_attended', 'opportunity_created')) as is_booked,
        bool_or(stage = 'qualified') as is_qualified
    from {{ ref('int_stages_reached') }}
    where funnel = 'sales'
    group by conversation_key

),

-- Where several rows of the seed name a score, the lowest is enough.
scores_required as (

    select min(minimum_value) as minimum_score
    from {{ ref('funnel_stages') }}
    where funnel = 'sales' and stage = 'qualified' and signal_kind = 'fact' and signal = 'qualification_score'

),

sales_outcomes_decided as (

    select
        entries.conversation_key,
        case
            when furthest.is_converted then 'converted'
            when furthest.is_booked then 'booked'
            when furthest.is_qualified then 'qualified'
            when conversations.qualification_score < scores_required.minimum_score then 'disqualified'
            when outcomes.is_closed then 'dropped'
        end as sales_outcome
    from entries
    inner join furthest on entries.conversation_key = furthest.conversation_key
    inner join {{ ref('int_conversations') }} as conversations on entries.conversation_key = conversations.conversation_key
    inner join {{ ref('int_outcomes_decided') }} as outcomes on entries.conversation_key = outcomes.conversation_key
    cross join scores_required

)

select * from sales_outcomes_decided
