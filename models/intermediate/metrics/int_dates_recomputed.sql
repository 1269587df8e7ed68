-- One row per reporting date on which a conversation changed in this run, or what is stated of all conversations did.

{%- set metrics_before = relation_before('marts', 'metrics_daily') %}
with

recomputed_conversations as (

    select conversation_date, initialised_date
    from {{ ref('int_conversations') }}
    where conversation_key in (select recomputed.conversation_key from {{ ref('int_conversations_recomputed') }} as recomputed)

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
    where false
    {%- endif %}

),

-- A day becomes final when the watermark has passed it, without any event of its own; and open again when a source that
-- is behind the others comes in.
dates_of_other_finality as (

    select metrics_before.date
    from metrics_before
    inner join {{ ref('int_metrics_defined') }} as definitions on metrics_before.metric_name = definitions.metric_name
    cross join {{ ref('int_data_until_measured') }} as data_until
    where metrics_before.is_final <> ({{ final_at('metrics_before.date', 'definitions.maturity_hours') }} <= data_until.data_until_at)

),

-- A goal or signal seen for the first time was 0 on every day before, not unknown; one that is no longer seen becomes unknown.
dates_with_news as (

    select entries.entry_date as date
    from {{ ref('int_funnel_entries_placed') }} as entries
    inner join {{ ref('int_stages_measured') }} as measured on entries.funnel = measured.funnel
    where measured.is_changed

),

metrics_due as (

    select reporting_dates.date, definitions.metric_name
    from reporting_dates
    cross join {{ ref('int_metrics_defined') }} as definitions

),

-- `all` has a row for every day and metric: a goal reached for the first time is due on all days, and either end of the
-- calendar may have moved.
dates_due_differently as (

    select coalesce(metrics_due.date, metrics_before.date) as date
    from metrics_due
    full outer join metrics_before on metrics_due.date = metrics_before.date and metrics_due.metric_name = metrics_before.metric_name
    where metrics_due.date is null or metrics_before.date is null

),

dates_recomputed as (

    select date from {{ ref('int_dates_previous') }}
    union
    select conversation_date as date from recomputed_conversations
    union
    select initialised_date as date from recomputed_conversations
    union
    select entry_date as date from {{ ref('int_funnel_entries_found') }}
    union
    select date from dates_of_other_finality
    union
    select date from dates_with_news
    union
    select date from dates_due_differently

)

select date from dates_recomputed
where date is not null
