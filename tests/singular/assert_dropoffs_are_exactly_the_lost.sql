-- A date, funnel and stage whose dropoffs are not as many as its lost.
{{ config(meta={'dagster': {'ref': {'name': 'funnel_dropoffs'}}}) }}
with

dropoffs as (

    select entry_date as date, funnel, last_stage_order as stage_order, count(*) as dropoff_count
    from {{ ref('funnel_dropoffs') }}
    where {{ only_built(ref('int_dates_affected'), 'entry_date', 'date') }}
    group by entry_date, funnel, last_stage_order

),

lost as (

    select date, funnel, stage_order, lost
    from {{ ref('funnel_stages_by_date') }}
    where segment = 'all' and lost > 0 and {{ only_built(ref('int_dates_affected'), 'date') }}

)

select
    coalesce(lost.date, dropoffs.date) as date,
    coalesce(lost.funnel, dropoffs.funnel) as funnel,
    coalesce(lost.stage_order, dropoffs.stage_order) as stage_order,
    lost.lost,
    dropoffs.dropoff_count
from lost
full outer join dropoffs
    on lost.date = dropoffs.date and lost.funnel = dropoffs.funnel and lost.stage_order = dropoffs.stage_order
where lost.lost is distinct from dropoffs.dropoff_count
