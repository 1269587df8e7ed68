-- A day on which the conversations of a dimension's segments are not all conversations. A conversation has exactly one value of
-- every dimension but the variant.
{{ config(meta={'dagster': {'ref': {'name': 'metrics_daily'}}}) }}
with

conversations_counted as (

    select
        metrics.date,
        metrics.segment_type,
        sum(metrics.value) as conversation_count
    from {{ ref('metrics_daily') }} as metrics
    where metrics.metric_name = 'total_conversations' and {{ only_built(ref('int_dates_affected'), 'date') }}
    group by metrics.date, metrics.segment_type

),

dimensions as (

    select dimension
    from {{ ref('segment_dimensions') }}
    where column_name is distinct from 'variant'

)

select all_counted.date, dimensions.dimension, all_counted.conversation_count, by_segment.conversation_count as in_segments
from conversations_counted as all_counted
cross join dimensions
left join conversations_counted as by_segment
    on all_counted.date = by_segment.date and dimensions.dimension = by_segment.segment_type
where all_counted.segment_type = 'all' and all_counted.conversation_count <> coalesce(by_segment.conversation_count, 0)
