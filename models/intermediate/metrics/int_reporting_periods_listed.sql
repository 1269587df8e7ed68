-- One row per reporting date from the first to the last with a conversation or interaction, and per hour of those that have one.
-- A longer silence ends after 92 days: one event of a wrong clock, years ago, must not make thousands of days.
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

dates_with_last as (

    select
        dates_between.date,
        max(dates_of_conversations.date) over (order by dates_between.date rows unbounded preceding) as last_date
    from dates_between
    left join dates_of_conversations on dates_between.date = dates_of_conversations.date

),

dates_listed as (

    select date
    from dates_with_last
    where date <= last_date + interval '92' day

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
