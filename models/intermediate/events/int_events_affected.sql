-- One row per canonical event of the conversations this run works on.
select *
from {{ ref('int_events') }}
where {{ only_affected(ref('int_conversations_affected')) }}
