-- One row per reporting date that this run states anew.
{{ config(materialized='table') }}

{%- set metrics_before = relation_before('marts', 'metrics_daily') %}
with

restated_conversations as (

    select conversations.conversation_date, conversations.initialised_date
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_restated') }} as restated on conversations.conversation_key = restated.conversation_key

),

entries as (

    select funnel, entry_date
    from {{ ref('int_funnel_entries_placed') }}

),

reporting_dates as (

    select date
    from {{ ref('int_reporting_periods_listed') }}
    where grain = 'day'

),

metrics_before as (

    {% if metrics_before -%}
    select date, metric_name, is_final
    from {{ metrics_before }}
    where segment = 'all'
    {%- else -%}
    select date, 'none' as metric_name, true as is_final
    from reporting_dates
    {%- endif %}

),

-- A day becomes final when the watermark has passed it, without any event of its own.
dates_finished as (

    select metrics_before.date
    from metrics_before
    inner join {{ ref('int_metrics_defined') }} as definitions on metrics_before.metric_name = definitions.metric_name
    cross join {{ ref('int_data_until_measured') }} as data_until
    where not metrics_before.is_final and {{ final_at('metrics_before.date', 'definitions.maturity_hours') }} <= data_until.data_until_at

),

-- What is seen for the first time was 0 on every day before, not unknown.
dates_with_news as (

    select entries.entry_date as date
    from entries
    inner join {{ ref('int_stages_measured') }} as measured on entries.funnel = measured.funnel
    where measured.is_new
    union
    select reporting_dates.date
    from reporting_dates
    cross join {{ ref('int_goals_known') }} as goals
    where goals.is_new

),

dates_touched as (

    select date from {{ ref('int_dates_left') }}
    union
    select conversation_date as date from restated_conversations
    union
    select initialised_date as date from restated_conversations
    union
    select entry_date as date from {{ ref('int_funnel_entries_found') }}
    union
    select date from dates_finished
    union
    select date from dates_with_news
    union
    -- `all` has a row for every day between the first and the last: both ends may have moved.
    select reporting_dates.date
    from reporting_dates
    left join metrics_before on reporting_dates.date = metrics_before.date
    where metrics_before.date is null
    union
    select metrics_before.date
    from metrics_before
    left join reporting_dates on metrics_before.date = reporting_dates.date
    where reporting_dates.date is null

)

select date from dates_touched
where date is not null
