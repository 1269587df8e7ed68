-- One row per date or hour of entry this run states and segment: the steps of the sales funnel.
{{ config(materialized='table') }}
with

stages_reached as (

    select conversation_key, entry_date, {{ start_of_local_hour('entered_at') }} as entered_hour_at, stage
    from {{ ref('fct_conversation_stages') }}
    where funnel = 'sales' and is_reached and {{ only_affected_dates('entry_date') }}

),

segments as (

    select * from {{ ref('int_conversation_segments_listed') }}

),

stages_pivoted as (

    select
        conversation_key,
        entry_date as date,
        entered_hour_at,
        bool_or(stage = 'started') as is_started,
        bool_or(stage = 'responded') as is_responded,
        bool_or(stage = 'qualified') as is_qualified,
        bool_or(stage = 'meeting_booked') as is_booked,
        bool_or(stage = 'meeting_attended') as is_attended,
        bool_or(stage = 'deal_closed') as is_closed
    from stages_reached
    group by conversation_key, entry_date, entered_hour_at

),

measures_counted as (

    select
        stages_pivoted.date,
        segments.grain,
        case when segments.grain = 'hour' then stages_pivoted.entered_hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        count(case when is_started then 1 end) as sales_started_count,
        count(case when is_responded then 1 end) as responded_count,
        count(case when is_qualified then 1 end) as qualified_count,
        count(case when is_booked then 1 end) as booked_count,
        count(case when is_attended then 1 end) as attended_count,
        count(case when is_responded and is_started then 1 end) as responded_step_count,
        count(case when is_qualified and is_responded then 1 end) as qualified_step_count,
        count(case when is_booked and is_qualified then 1 end) as booked_step_count,
        count(case when is_attended and is_booked then 1 end) as attended_step_count,
        count(case when is_closed and is_attended then 1 end) as closed_step_count,
        count(case when is_closed and is_started then 1 end) as closed_of_started_count
    from stages_pivoted
    inner join segments on stages_pivoted.conversation_key = segments.conversation_key
    group by
        stages_pivoted.date, segments.grain, case when segments.grain = 'hour' then stages_pivoted.entered_hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
