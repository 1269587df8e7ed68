-- One row per reporting date from the first to the last with a conversation or interaction, and per hour of those that have one.
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

dates_listed as (

    {{ date_series('bounds', 'first_date', 'last_date', 'date') }}

),

-- A day has 23 or 25 hours when the clock changes: hours are counted from the start of the day to that of the next.
hours_numbered as (

    {{ integer_series(0, 24, 'hour_number') }}

),

hours_listed as (

    select
        dates_of_conversations.date,
        {{ add_hours(utc_start_of_date('dates_of_conversations.date'), 'hours_numbered.hour_number') }} as hour_at
    from dates_of_conversations
    cross join hours_numbered

),

periods_listed as (

    select date, 'day' as grain, cast(null as timestamp) as hour_at
    from dates_listed
    union all
    select date, 'hour' as grain, hour_at
    from hours_listed
    where hour_at < {{ utc_start_of_date("date + interval '1' day") }}

)

select * from periods_listed
