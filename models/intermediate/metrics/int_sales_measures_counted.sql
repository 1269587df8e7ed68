-- One row per date or hour of entry this run states and segment: the steps of the sales funnel.
{{ config(materialized='table') }}
{%- set counts = [
    'sales_started_count', 'responded_count', 'qualified_count', 'booked_count', 'attended_count', 'responded_step_count',
    'qualified_step_count', 'booked_step_count', 'attended_step_count', 'closed_step_count', 'closed_of_started_count',
] %}
with

measures as (

    select *
    from {{ ref('int_sales_measures_taken') }}
    where {{ only_affected_dates('date') }}

),

measures_counted as (

    select
        measures.date,
        segments.grain,
        case when segments.grain = 'hour' then measures.hour_at end as hour_at,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        {{ exact_sums(counts) }}
    from measures
    inner join {{ ref('int_conversation_segments_listed') }} as segments on measures.conversation_key = segments.conversation_key
    group by
        measures.date, segments.grain, case when segments.grain = 'hour' then measures.hour_at end,
        segments.segment, segments.segment_type, segments.segment_value

)

select * from measures_counted
