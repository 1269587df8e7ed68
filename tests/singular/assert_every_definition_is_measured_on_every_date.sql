-- A definition without its number for `all` on one of the dates: those with a conversation or widget, and up to 92 days after them.
-- The dates come from these themselves: counted from metrics_daily, an empty table would have no date to miss.
{{ config(meta={'dagster': {'ref': {'name': 'metrics_daily'}}}) }}
with

dates_of_conversations as (

    select conversation_date as date from {{ ref('fct_conversations') }}
    union
    select interaction_date as date from {{ ref('fct_interactions') }}

),

bounds as (

    select min(date) as first_date, max(date) as last_date
    from dates_of_conversations

),

dates_between as (

    {{ date_series('bounds', 'first_date', 'last_date', 'date') }}

),

dates as (

    select distinct dates_between.date
    from dates_between
    inner join dates_of_conversations
        on
            dates_between.date >= dates_of_conversations.date
            and dates_between.date <= dates_of_conversations.date + interval '92' day

),

metrics_expected as (

    select dates.date, definitions.metric_name
    from dates
    cross join {{ ref('metric_definitions') }} as definitions
    where definitions.metric_name <> 'conversion_rate:<goal>' and {{ only_built(ref('int_dates_affected'), 'dates.date', 'date') }}

)

select metrics_expected.date, metrics_expected.metric_name
from metrics_expected
left join {{ ref('metrics_daily') }} as metrics
    on
        metrics_expected.date = metrics.date
        and metrics_expected.metric_name = metrics.metric_name
        and metrics.segment = 'all'
where metrics.metric_name is null
