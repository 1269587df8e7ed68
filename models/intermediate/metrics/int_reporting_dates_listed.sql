-- One row per reporting date from the first to the last with a production conversation or interaction, gaps included.
with

dates_of_conversations as (

    select conversation_date as date from {{ ref('fct_conversations') }}
    union all
    select interaction_date as date from {{ ref('fct_interactions') }}

),

bounds as (

    select min(date) as first_date, max(date) as last_date
    from dates_of_conversations

),

reporting_dates_listed as (

    {{ date_series('bounds', 'first_date', 'last_date', 'date') }}

)

select * from reporting_dates_listed
