-- One row per rate metric and segment: its last 28 final days against those of the rest, and whether the difference is more than chance.
with

-- Segments below the minimum sample have no p-value, and are left out of the corrections too.
tested as (

    select
        compared.*,
        compared.denominator >= compared.minimum_sample and compared.rest_denominator >= compared.minimum_sample as is_sample_sufficient,
        tests.design_effect,
        tests.p_value
    from {{ ref('int_segments_compared') }} as compared
    left join {{ ref('int_segments_tested') }} as tests on compared.metric_name = tests.metric_name and compared.segment = tests.segment

),

ranked as (

    select
        *,
        row_number() over (partition by metric_name, segment_type order by p_value nulls last, segment) as p_rank,
        count(p_value) over (partition by metric_name, segment_type) as family_size,
        sum(case when p_value is not null then denominator end) over (partition by metric_name, segment_type)
        = denominator + rest_denominator as is_family_whole,
        -- Equal p-values share the last of their ranks.
        count(p_value) over (order by p_value nulls last range between unbounded preceding and current row) as p_rank_of_all,
        count(p_value) over () as test_count
    from tested

),

-- Holm (1979) over the segments of a dimension: two segments that are each other's rest are one test. Benjamini and Hochberg (1995)
-- over all that is published.
adjusted as (

    select
        *,
        max(least(1.0, case when family_size = 2 and is_family_whole then 1 else family_size - p_rank + 1 end * p_value)) over (
            partition by metric_name, segment_type, p_value is null order by p_rank rows between unbounded preceding and current row
        ) as p_value_holm,
        min(least(1.0, test_count * p_value / nullif(p_rank_of_all, 0))) over (
            partition by p_value is null order by p_value desc nulls last rows between unbounded preceding and current row
        ) as q_value
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
        design_effect,
        p_value,
        case when p_value is not null then p_value_holm end as p_value_holm,
        case when p_value is not null then q_value end as q_value,
        case when p_value is not null then 1.0 - p_value_holm end as confidence,
        is_sample_sufficient,
        is_significant,
        is_significant and is_better and value_rank = 1 as is_best_performing
    from best

)

select * from segment_comparisons
