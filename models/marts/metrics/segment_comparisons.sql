-- One row per rate metric and segment: its last 28 final days against those of the rest, and whether the difference is more than chance.
with

compared as (

    select
        *,
        sqrt(pooled_value * (1 - pooled_value) * (1.0 / nullif(denominator, 0) + 1.0 / nullif(rest_denominator, 0))) as pooled_error,
        denominator >= minimum_sample and rest_denominator >= minimum_sample as is_sample_sufficient
    from {{ ref('int_segments_compared') }}

),

-- The two-proportion z-test. Segments below the minimum sample are left out of the correction too.
tested as (

    select
        *,
        case when is_sample_sufficient then {{ normal_two_sided_p('((value - rest_value) / nullif(pooled_error, 0))') }} end as p_value
    from compared

),

ranked as (

    select
        *,
        row_number() over (partition by metric_name, segment_type order by p_value, segment) as p_rank,
        count(p_value) over (partition by metric_name, segment_type) as family_size
    from tested

),

-- Holm (1979) over the segments of a dimension. Two segments are each other's rest: one test, not two.
adjusted as (

    select
        *,
        max(least(1.0, case when family_size = 2 then 1 else family_size - p_rank + 1 end * p_value)) over (
            partition by metric_name, segment_type, p_value is null order by p_rank rows between unbounded preceding and current row
        ) as p_value_holm
    from ranked

),

judged as (

    select
        *,
        coalesce(p_value is not null and p_value_holm < 0.05, false) as is_significant,
        case
            when direction = 'higher_is_better' then value > rest_value
            when direction = 'lower_is_better' then value < rest_value
            else false
        end as is_better
    from adjusted

),

best as (

    select
        *,
        row_number() over (
            partition by metric_name, segment_type, is_significant and is_better
            order by case direction when 'lower_is_better' then value else -value end, segment
        ) as value_rank
    from judged

),

segment_comparisons as (

    select
        metric_name,
        segment,
        segment_type,
        segment_value,
        date_from,
        date_to,
        value,
        numerator,
        denominator as sample_size,
        {{ wilson_low('numerator', 'denominator') }} as ci_low,
        {{ wilson_high('numerator', 'denominator') }} as ci_high,
        rest_value,
        rest_denominator as rest_sample_size,
        value - rest_value as difference,
        p_value,
        case when p_value is not null then p_value_holm end as p_value_holm,
        case when p_value is not null then 1.0 - p_value_holm end as confidence,
        is_sample_sufficient,
        is_significant,
        is_significant and is_better and value_rank = 1 as is_best_performing
    from best

)

select * from segment_comparisons
