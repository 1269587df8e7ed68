-- Events of a production conversation whose key has no row in fct_conversations, or several.
{{ config(meta={'dagster': {'ref': {'name': 'fct_conversations'}}}) }}
with

events as (

    select conversation_key, source, event_id, sequence_number, event_type, environment
    from {{ ref('int_events') }}
    where {{ only_built(ref('int_conversations_recomputed')) }}

),

-- Computed again from the events, so that the test does not inherit the choice of the models it tests.
first_environments as (

    select conversation_key, min(sequence_number) as sequence_number
    from events
    where environment is not null
    group by conversation_key

),

production_conversations as (

    select events.conversation_key
    from events
    inner join first_environments
        on events.conversation_key = first_environments.conversation_key and events.sequence_number = first_environments.sequence_number
    where events.environment = 'production'

),

conversations_held as (

    select distinct conversation_key
    from events
    where event_type not in ('interaction_initialized', 'experiment_exposure')

),

rows_counted as (

    select conversation_key, count(*) as row_count
    from {{ ref('fct_conversations') }}
    where {{ only_built(ref('int_conversations_recomputed')) }}
    group by conversation_key

)

select events.conversation_key, events.source, events.event_id, coalesce(rows_counted.row_count, 0) as row_count
from events
inner join production_conversations on events.conversation_key = production_conversations.conversation_key
inner join conversations_held on events.conversation_key = conversations_held.conversation_key
left join rows_counted on events.conversation_key = rows_counted.conversation_key
where coalesce(rows_counted.row_count, 0) <> 1
