-- One row per language model and price: the days on which it holds.
with

model_prices as (

    select * from {{ ref('model_prices') }}

),

model_prices_dated as (

    select
        model,
        cast(valid_from as timestamp) as valid_from_at,
        cast(lead(valid_from) over (partition by model order by valid_from) as timestamp) as valid_until_at,
        input_usd_per_mtok,
        coalesce(cached_input_usd_per_mtok, input_usd_per_mtok) as cached_input_usd_per_mtok,
        output_usd_per_mtok
    from model_prices

)

select * from model_prices_dated
