-- One row per tool call of a production conversation.
{{ replace_affected('int_conversations_affected') }}
with

tool_calls as (

    select *
    from {{ ref('int_events_affected') }}
    where event_type = 'tool_called'

),

conversations as (

    select conversation_key, conversation_date
    from {{ ref('int_conversations') }}
    where environment = 'production'

),

tool_calls_dated as (

    select
        tool_calls.source || ':' || tool_calls.event_id as tool_call_key,
        tool_calls.conversation_key,
        tool_calls.source,
        tool_calls.event_id,
        conversations.conversation_date,
        tool_calls.sequence_number,
        tool_calls.turn_number,
        tool_calls.occurred_at,
        tool_calls.tool_name,
        tool_calls.is_tool_error as is_error,
        tool_calls.is_tool_write as is_write
    from tool_calls
    inner join conversations on tool_calls.conversation_key = conversations.conversation_key

)

select * from tool_calls_dated
