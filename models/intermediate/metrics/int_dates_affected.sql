-- One row per reporting date that this run recomputes.
{{ config(materialized='table') }}
with

dates_recomputed as (

    select date
    from {{ ref('int_dates_recomputed') }}

),

-- The top values of a day name the segments of its conversations, on every day that these conversations are counted on.
conversations_of_dates as (

    select conversation_key, initialised_date
    from {{ ref('int_conversations') }}
    where environment = 'production' and coalesce(conversation_date, initialised_date) in (select date from dates_recomputed)

),

dates_affected as (

    select date from dates_recomputed
    union
    select initialised_date as date from conversations_of_dates
    union
    select entries.entry_date as date
    from {{ ref('int_funnel_entries_placed') }} as entries
    inner join conversations_of_dates on entries.conversation_key = conversations_of_dates.conversation_key

)

select date, cast({{ dbt.date_trunc('month', 'date') }} as date) as month
from dates_affected
where date is not null
