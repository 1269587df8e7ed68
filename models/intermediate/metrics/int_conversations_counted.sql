-- One row per production conversation id that this run counts.
{{ config(materialized='table') }}
with

-- Counted on its own day, on the day its widget was shown and on the days it entered a funnel; usually these are one day.
conversations_counted as (

    select conversation_key
    from {{ ref('int_conversations') }}
    where
        environment = 'production'
        and ({{ only_affected_dates('conversation_date') }} or {{ only_affected_dates('initialised_date') }})
    union
    select conversation_key
    from {{ ref('int_funnel_entries_placed') }}
    where {{ only_affected_dates('entry_date') }}

)

select * from conversations_counted
