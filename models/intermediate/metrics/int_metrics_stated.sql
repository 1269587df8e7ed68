-- One row per date or hour this run states, metric and segment: value, sample, 95 % interval and finality, as readers see them.
with

values_derived as (

    select
        *,
        case
            when kind = 'count' then numerator
            when kind = 'sum' then case when denominator > 0 then numerator end
            else numerator / nullif(denominator, 0)
        end as value,
        case kind when 'count' then numerator when 'ratio' then coalesce(cluster_count, 0) else denominator end as sample_size
    from {{ ref('int_metrics_measured') }}

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
            when kind = 'mean'
                then
                    least(
                        value + {{ t_quantile_975('cast(sample_size - 1 as bigint)') }} * sqrt(squared_error),
                        coalesce(upper_bound, cast('infinity' as double))
                    )
            when kind = 'ratio'
                then least(value + 1.959963984540054 * sqrt(squared_error), coalesce(upper_bound, cast('infinity' as double)))
        end as ci_high
    from variances_derived

),

metrics_stated as (

    select
        intervals_estimated.date,
        intervals_estimated.grain,
        intervals_estimated.hour_at,
        intervals_estimated.metric_name,
        intervals_estimated.segment,
        intervals_estimated.segment_type,
        intervals_estimated.segment_value,
        intervals_estimated.value,
        intervals_estimated.numerator,
        intervals_estimated.denominator,
        cast(intervals_estimated.sample_size as bigint) as sample_size,
        intervals_estimated.squared_error,
        intervals_estimated.ci_low,
        intervals_estimated.ci_high,
        intervals_estimated.unit,
        intervals_estimated.sample_size >= coalesce(intervals_estimated.minimum_sample, 0) as is_sample_sufficient,
        -- An hour is final with its day: outcomes mature by the day.
        {{ final_at('intervals_estimated.date', 'intervals_estimated.maturity_hours') }} <= data_until.data_until_at as is_final,
        cast({{ var('definition_version') }} as bigint) as definition_version,
        '{{ var('timezone') }}' as timezone
    from intervals_estimated
    cross join {{ ref('int_data_until_measured') }} as data_until

)

select * from metrics_stated
