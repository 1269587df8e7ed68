-- One row per conversation of this run with a message or a cost: the tokens its agent read and wrote, what they and its labels cost.
{{ config(materialized='table') }}
with

model_prices_dated as (

    select
        model,
        cast(valid_from as timestamp) as valid_from_at,
        cast(lead(valid_from) over (partition by model order by valid_from) as timestamp) as valid_until_at,
        input_usd_per_mtok,
        coalesce(cached_input_usd_per_mtok, input_usd_per_mtok) as cached_input_usd_per_mtok,
        output_usd_per_mtok
    from {{ ref('model_prices') }}

),

labelling_calls as (

    select
        sources.id_namespace || ':' || calls.conversation_id as conversation_key,
        -- Sums of doubles differ from run to run.
        cast(calls.cost_usd as decimal(27, 9)) as cost_usd
    from {{ ref('stg_ledger__llm_calls') }} as calls
    inner join {{ ref('sources') }} as sources on calls.source = sources.source

),

-- All calls about a conversation, answered or not.
labelling_costs_summed as (

    select conversation_key, sum(cost_usd) as labelling_cost_usd
    from labelling_calls
    group by conversation_key

),

events_affected as (

    select
        conversation_key,
        event_type = 'agent_message' as is_agent_message,
        occurred_at,
        model,
        tokens_in,
        tokens_out,
        -- Cached tokens are among those read.
        least(coalesce(tokens_cached, 0), coalesce(tokens_in, 0)) as tokens_cached,
        cost_usd,
        cost_usd is null and (tokens_in is not null or tokens_out is not null) as is_to_be_priced
    from {{ ref('int_events_affected') }}
    where event_type in ('user_message', 'agent_message') or tokens_in is not null or tokens_out is not null or cost_usd is not null

),

-- The cost that the source states has priority; without one, the price of the day applies.
events_costed as (

    select
        events_affected.*,
        case
            when events_affected.is_to_be_priced
                then
                    cast(
                        (
                            (coalesce(events_affected.tokens_in, 0) - events_affected.tokens_cached) * prices.input_usd_per_mtok
                            + events_affected.tokens_cached * prices.cached_input_usd_per_mtok
                            + coalesce(events_affected.tokens_out, 0) * prices.output_usd_per_mtok
                        ) / 1000000 as decimal(27, 9)
                    )
        end as priced_cost_usd
    from events_affected
    left join model_prices_dated as prices
        on
            events_affected.model = prices.model
            and events_affected.occurred_at >= prices.valid_from_at
            and events_affected.occurred_at < coalesce(prices.valid_until_at, cast('9999-12-31' as timestamp))

),

conversations as (

    select
        conversation_key,
        cast(sum(tokens_in) as bigint) as tokens_in,
        cast(sum(case when tokens_in is not null then tokens_cached end) as bigint) as tokens_cached,
        cast(sum(tokens_out) as bigint) as tokens_out,
        sum(cost_usd) as reported_cost_usd,
        sum(priced_cost_usd) as priced_cost_usd,
        count(case when is_agent_message and cost_usd is null and priced_cost_usd is null then 1 end) as uncosted_message_count
    from events_costed
    group by conversation_key

),

conversation_costs_summed as (

    select
        conversations.conversation_key,
        conversations.tokens_in,
        conversations.tokens_cached,
        conversations.tokens_out,
        conversations.uncosted_message_count,
        cast(conversations.reported_cost_usd as double) as reported_cost_usd,
        cast(conversations.priced_cost_usd as double) as priced_cost_usd,
        cast(coalesce(labels.labelling_cost_usd, 0) as double) as labelling_cost_usd,
        case
            when conversations.reported_cost_usd is not null or conversations.priced_cost_usd is not null
                then
                    cast(
                        coalesce(conversations.reported_cost_usd, 0) + coalesce(conversations.priced_cost_usd, 0)
                        + coalesce(labels.labelling_cost_usd, 0) as double
                    )
        end as cost_usd
    from conversations
    left join labelling_costs_summed as labels on conversations.conversation_key = labels.conversation_key

)

select * from conversation_costs_summed
