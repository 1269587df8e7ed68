-- One row per test, phase, metric, segment, variant and UTC date of exposure: what the mature units first exposed on it add up to.
{{ config(materialized='table', meta={'empty_without': 'int_ab_tests_listed'}) }}
with

sums as (

    select * from {{ ref('int_ab_test_values_summed') }}

),

-- By all units of a phase, immature ones included: the segments are the same for every look.
values_ranked as (

    select
        sums.test_name,
        sums.phase,
        sums.dimension,
        sums.attribute_value,
        row_number() over (
            partition by sums.test_name, sums.phase, sums.dimension order by sum(sums.counted_units) desc, sums.attribute_value
        ) as value_rank
    from sums
    where sums.dimension <> 'all'
    group by sums.test_name, sums.phase, sums.dimension, sums.attribute_value

),

sums_by_segment as (

    select
        sums.*,
        case
            when sums.dimension = 'all' then 'all'
            when dimensions.top_n is null or values_ranked.value_rank <= dimensions.top_n
                then sums.dimension || '=' || sums.attribute_value
            else sums.dimension || '=other'
        end as segment
    from sums
    left join values_ranked
        on
            sums.test_name = values_ranked.test_name and sums.phase = values_ranked.phase
            and sums.dimension = values_ranked.dimension and sums.attribute_value = values_ranked.attribute_value
    left join {{ ref('segment_dimensions') }} as dimensions on sums.dimension = dimensions.dimension

),

dates_summed as (

    select
        test_name,
        phase,
        metric,
        segment,
        variant,
        exposure_date,
        cast(sum(exposed_units) as bigint) as exposed_units,
        cast(sum(unit_count) as bigint) as unit_count,
        cast(sum(converted_units) as bigint) as converted_units,
        {{ sums_of_units('sum(SUM)') }}
    from sums_by_segment
    where exposed_units > 0
    group by test_name, phase, metric, segment, variant, exposure_date

)

select * from dates_summed
