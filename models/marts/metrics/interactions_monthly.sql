-- One row per month, segment and counted unit (opportunity, visitor_day, visitor): of how many the widget was used.
{{ replace_affected('int_dates_affected', key='month') }}
with

interactions as (

    select
        *,
        cast({{ dbt.date_trunc('month', 'interaction_date') }} as date) as month,
        {{ local_hour_text('initialised_at') }} as hour_of_day,
        id_namespace || ':' || user_id as visitor_key
    from {{ ref('fct_interactions') }}

),

dimensions as (

    select 'all' as segment_type
    union all
    select 'entry_page' as segment_type
    union all
    select 'device' as segment_type
    union all
    select 'language' as segment_type
    union all
    select 'hour_of_day' as segment_type

),

attributes as (

    select
        interactions.month,
        interactions.interaction_date,
        interactions.visitor_key,
        interactions.is_engaged,
        interactions.is_mature,
        dimensions.segment_type,
        coalesce(
            case dimensions.segment_type
                when 'all' then 'all'
                when 'entry_page' then interactions.entry_page
                when 'device' then interactions.device
                when 'language' then interactions.language
                when 'hour_of_day' then interactions.hour_of_day
            end, '(none)'
        ) as attribute_value
    from interactions
    cross join dimensions
    where interactions.month in (select dates_affected.month from {{ ref('int_dates_affected') }} as dates_affected)

),

-- Pages can be as many as visitors: the 50 of the month that showed the most widgets, and the rest.
values_ranked as (

    select
        month,
        segment_type,
        attribute_value,
        row_number() over (partition by month, segment_type order by count(*) desc, attribute_value) as value_rank
    from attributes
    group by month, segment_type, attribute_value

),

widgets_listed as (

    select
        attributes.month,
        attributes.interaction_date,
        attributes.visitor_key,
        attributes.is_engaged,
        attributes.is_mature,
        attributes.segment_type,
        case
            when attributes.segment_type <> 'entry_page' or values_ranked.value_rank <= 50 then attributes.attribute_value
            else 'other'
        end as segment_value
    from attributes
    inner join values_ranked
        on
            attributes.month = values_ranked.month and attributes.segment_type = values_ranked.segment_type
            and attributes.attribute_value = values_ranked.attribute_value

),

-- A visitor used the widget if any of the visitor's widgets in the segment was used, and is ignored for good once all are a day old.
units as (

    select 'opportunity' as counted_unit, month, segment_type, segment_value, is_engaged, is_mature
    from widgets_listed
    union all
    select
        'visitor_day' as counted_unit, month, segment_type, segment_value,
        bool_or(is_engaged) as is_engaged, bool_and(is_mature) as is_mature
    from widgets_listed
    where visitor_key is not null
    group by month, segment_type, segment_value, visitor_key, interaction_date
    union all
    select
        'visitor' as counted_unit, month, segment_type, segment_value,
        bool_or(is_engaged) as is_engaged, bool_and(is_mature) as is_mature
    from widgets_listed
    where visitor_key is not null
    group by month, segment_type, segment_value, visitor_key

),

units_counted as (

    select
        month,
        case when segment_type = 'all' then 'all' else segment_type || '=' || segment_value end as segment,
        segment_type,
        segment_value,
        counted_unit,
        count(*) as unit_count,
        count(case when is_engaged then 1 end) as engaged_count,
        count(case when is_mature then 1 end) as mature_count,
        count(case when is_mature and not is_engaged then 1 end) as ignored_count
    from units
    group by month, segment_type, segment_value, counted_unit

),

rates_estimated as (

    select
        *,
        engaged_count / cast(unit_count as double) as interaction_rate,
        {{ wilson_low('engaged_count', 'unit_count') }} as interaction_rate_ci_low,
        {{ wilson_high('engaged_count', 'unit_count') }} as interaction_rate_ci_high,
        ignored_count / nullif(cast(mature_count as double), 0) as page_abandonment_rate,
        {{ wilson_low('ignored_count', 'mature_count') }} as page_abandonment_rate_ci_low,
        {{ wilson_high('ignored_count', 'mature_count') }} as page_abandonment_rate_ci_high
    from units_counted

)

select * from rates_estimated
