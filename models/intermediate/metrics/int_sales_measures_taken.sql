-- One row per production conversation that entered the sales funnel: what it counts for in each measure of its steps.
{{ replace_affected('int_dates_affected', key='date') }}
with

stages_reached as (

    select conversation_key, entry_date, entered_at, stage
    from {{ ref('fct_conversation_stages') }}
    where funnel = 'sales' and is_reached and {{ only_affected_dates('entry_date') }}

),

stages_pivoted as (

    select
        conversation_key,
        entry_date as date,
        {{ start_of_local_hour('entered_at') }} as hour_at,
        bool_or(stage = 'started') as is_started,
        bool_or(stage = 'responded') as is_responded,
        bool_or(stage = 'qualified') as is_qualified,
        bool_or(stage = 'meeting_booked') as is_booked,
        bool_or(stage = 'meeting_attended') as is_attended,
        bool_or(stage = 'deal_closed') as is_closed
    from stages_reached
    group by conversation_key, entry_date, entered_at

),

measures_taken as (

    select
        stages.conversation_key,
        conversations.id_namespace || ':' || conversations.user_id as user_key,
        stages.date,
        stages.hour_at,
        {{ one_if('is_started') }} as sales_started_count,
        {{ one_if('is_responded') }} as responded_count,
        {{ one_if('is_qualified') }} as qualified_count,
        {{ one_if('is_booked') }} as booked_count,
        {{ one_if('is_attended') }} as attended_count,
        {{ one_if('is_responded and is_started') }} as responded_step_count,
        {{ one_if('is_qualified and is_responded') }} as qualified_step_count,
        {{ one_if('is_booked and is_qualified') }} as booked_step_count,
        {{ one_if('is_attended and is_booked') }} as attended_step_count,
        {{ one_if('stages.is_closed and is_attended') }} as closed_step_count,
        {{ one_if('stages.is_closed and is_started') }} as closed_of_started_count
    from stages_pivoted as stages
    left join {{ ref('int_conversations') }} as conversations on stages.conversation_key = conversations.conversation_key

)

select * from measures_taken
