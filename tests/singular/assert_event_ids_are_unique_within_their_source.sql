-- An event is the pair (source, event_id), in whatever conversation it stands: any row here was loaded or numbered twice.
{{ config(meta={'dagster': {'ref': {'name': 'int_events'}}}) }}
select source, event_id, count(*) as row_count
from {{ ref('int_events') }}
where {{ only_built(ref('int_conversations_landed')) }}
group by source, event_id
having count(*) > 1
