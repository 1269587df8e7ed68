-- One row per conversation that was asked about: what its labels cost.
with

labels as (

    select
        sources.id_namespace || ':' || calls.conversation_id as conversation_key,
        -- Sums of doubles differ from run to run.
        cast(calls.cost_usd as decimal(27, 9)) as cost_usd
    from {{ ref('stg_ledger__llm_calls') }} as calls
    inner join {{ ref('sources') }} as sources on calls.source = sources.source

),

labelling_costs_summed as (

    select conversation_key, sum(cost_usd) as labelling_cost_usd
    from labels
    group by conversation_key

)

select * from labelling_costs_summed
