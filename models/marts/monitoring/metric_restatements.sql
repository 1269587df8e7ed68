-- One row per final value of metrics_daily and later version that published it differently.
{%- set published = published_before('metrics_daily') %}
with

published_values as (

    {% if published -%}
    select date, metric_name, segment, segment_type, value, is_final
    from {{ published }}
    {%- else -%}
    select date, metric_name, segment, segment_type, value, is_final
    from {{ ref('metrics_daily') }}
    where false
    {%- endif %}

),

current_values as (

    select date, metric_name, segment, segment_type, value
    from {{ ref('metrics_daily') }}

),

-- A metric or dimension that was removed from the configuration has no value now, which is not a different value.
series_continued as (

    select distinct metric_name, segment_type
    from current_values

),

-- Finality belongs to the day and the metric: a segment that appears on a final day is a change too.
days_final as (

    select distinct date, metric_name
    from published_values
    where is_final

),

values_compared as (

    select
        coalesce(published_values.date, current_values.date) as date,
        coalesce(published_values.metric_name, current_values.metric_name) as metric_name,
        coalesce(published_values.segment, current_values.segment) as segment,
        coalesce(published_values.segment_type, current_values.segment_type) as segment_type,
        published_values.value as old_value,
        current_values.value as new_value
    from published_values
    full outer join current_values
        on
            published_values.date = current_values.date
            and published_values.metric_name = current_values.metric_name
            and published_values.segment = current_values.segment

),

values_restated as (

    select
        values_compared.date,
        values_compared.metric_name,
        values_compared.segment,
        values_compared.old_value,
        values_compared.new_value,
        comparison.restated_at,
        comparison.load_id,
        comparison.reason
    from values_compared
    inner join days_final on values_compared.date = days_final.date and values_compared.metric_name = days_final.metric_name
    inner join series_continued
        on values_compared.metric_name = series_continued.metric_name and values_compared.segment_type = series_continued.segment_type
    cross join {{ source('state', 'comparison') }} as comparison
    where {{ differs('values_compared.old_value', 'values_compared.new_value') }}

)

select * from {{ source('history', 'metric_restatements') }}
union all
select * from values_restated
