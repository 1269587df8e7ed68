-- One row per canonical event, numbered in the order of its conversation.
{{ replace_affected('int_conversations_landed') }}
with

events_affected as (

    select
        *,
        event_type in (
            'user_message', 'agent_message', 'tool_called', 'button_clicked', 'flow_started', 'flow_completed', 'flow_abandoned'
        ) as is_interaction,
        -- What must have come first in the same instant, where the source numbers nothing.
        case
            when event_type in ('interaction_initialized', 'experiment_exposure', 'conversation_started') then 1
            when event_type in ('user_message', 'button_clicked', 'flow_started') then 2
            when event_type = 'tool_called' then 3
            when event_type = 'feedback_received' then 6
            when event_type in ('conversation_completed', 'conversation_ended', 'conversation_abandoned') then 7
            when event_type = 'agent_message' then 5
            else 4
        end as type_order
    from {{ ref('int_events_unioned') }}
    where {{ only_affected(ref('int_conversations_landed')) }}

),

events_numbered as (

    select
        conversation_key,
        row_number() over in_order as sequence_number,
        -- Turn t runs from the t-th customer message to before the next; the turn numbers of sources are not used.
        count(case when event_type = 'user_message' then 1 end) over in_order as turn_number,
        source,
        event_id,
        id_namespace,
        conversation_id,
        user_id,
        event_type,
        is_interaction,
        occurred_at,
        case
            when is_interaction
                then {{ milliseconds_between('max(case when is_interaction then occurred_at end) over before_it', 'occurred_at') }}
        end as silence_ms,
        seq,
        channel,
        agent,
        environment,
        device,
        language,
        traffic_source,
        sender_role,
        tool_name,
        reason,
        event_type = 'tool_called' and is_error as is_tool_error,
        event_type = 'tool_called' and is_write as is_tool_write,
        model,
        rating,
        feedback_rating_type,
        feedback_question_kind,
        goal,
        conversion_value,
        page_url,
        flow_name,
        experiment_name,
        variant,
        is_control,
        qualification_score,
        tokens_in,
        tokens_out,
        tokens_cached,
        cost_usd,
        load_id
    from events_affected
    window
        in_order as (
            partition by conversation_key
            order by occurred_at, seq nulls last, type_order, event_id, source
            rows between unbounded preceding and current row
        ),
        before_it as (
            partition by conversation_key
            order by occurred_at, seq nulls last, type_order, event_id, source
            rows between unbounded preceding and 1 preceding
        )

),

-- In time order, so that a later run that looks for recent conversations skips the old row groups.
events_in_time_order as (

    select * from events_numbered
    order by occurred_at, conversation_key, sequence_number

)

select * from events_in_time_order
