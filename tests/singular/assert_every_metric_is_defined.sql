-- A number without a definition: its metric, or for a goal the template, has no row in metric_definitions.
{{ config(meta={'dagster': {'ref': {'name': 'metrics_daily'}}}) }}
with

metrics_stated as (

    select distinct
        metric_name,
        case when metric_name like 'conversion_rate:%' then 'conversion_rate:<goal>' else metric_name end as definition_name
    from {{ ref('metrics_daily') }}
    where {{ only_built(ref('int_dates_affected'), 'date') }}

)

select metrics_stated.metric_name
from metrics_stated
left join {{ ref('metric_definitions') }} as definitions on metrics_stated.definition_name = definitions.metric_name
where definitions.metric_name is null
