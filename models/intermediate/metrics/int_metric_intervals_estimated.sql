-- One row per date or hour this run states, metric and segment: value, sample and 95 % interval.
with

metrics_measured as (

    select * from {{ ref('int_metrics_measured') }}

),

values_derived as (

    select
        *,
        case
            when kind = 'count' then numerator
            when kind = 'sum' then case when denominator > 0 then numerator end
            else numerator / nullif(denominator, 0)
        end as value,
        case kind when 'count' then numerator when 'ratio' then coalesce(cluster_count, 0) else denominator end as sample_size
    from metrics_measured

),

variances_derived as (

    select
        *,
        {{ squared_error() }} as squared_error
    from values_derived

),

intervals_estimated as (

    select
        *,
        case
            when kind = 'rate' then {{ wilson_low('numerator', 'denominator') }}
            when squared_error is null then null
            when kind = 'mean'
                then
                    greatest(
                        value - {{ t_quantile_975('cast(sample_size - 1 as bigint)') }} * sqrt(squared_error), coalesce(lower_bound, 0)
                    )
            when kind = 'ratio' then greatest(value - 1.959963984540054 * sqrt(squared_error), 0)
        end as ci_low,
        case
            when kind = 'rate' then {{ wilson_high('numerator', 'denominator') }}
            when squared_error is null then null
            when kind = 'mean' then value + {{ t_quantile_975('cast(sample_size - 1 as bigint)') }} * sqrt(squared_error)
            when kind = 'ratio' and unit = 'rate' then least(value + 1.959963984540054 * sqrt(squared_error), 1)
            when kind = 'ratio' then value + 1.959963984540054 * sqrt(squared_error)
        end as ci_high
    from variances_derived

)

select * from intervals_estimated
