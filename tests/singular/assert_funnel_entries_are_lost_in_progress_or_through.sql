-- A date, funnel and segment whose entries are not each at one place: lost, in progress, or at the last stage.
{{ config(meta={'dagster': {'ref': {'name': 'funnel_stages_by_date'}}}) }}
with

stages as (

    select
        *,
        row_number() over (partition by date, funnel, segment order by stage_order desc) as place_from_last
    from {{ ref('funnel_stages_by_date') }}
    where {{ only_built(ref('int_dates_affected'), 'date') }}

)

select date, funnel, segment
from stages
group by date, funnel, segment
having
    sum(lost) + sum(in_progress) + sum(case when place_from_last = 1 then reached_or_later else 0 end) <> max(entered)
    or min(entered) <> max(entered)
    or max(case when place_from_last = 1 then coalesce(reached, reached_or_later) - reached_or_later end) <> 0
