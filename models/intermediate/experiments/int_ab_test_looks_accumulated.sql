-- One row per test, phase, metric, segment, look and planned variant: what all mature units up to the look add up to.
with

sums as (

    select * from {{ ref('int_ab_test_dates_summed') }}

),

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

dates as (

    -- A look is complete when the window of every unit exposed on its date has passed. Later additions come from late-arriving events.
    select distinct sums.test_name, sums.phase, sums.exposure_date as look_date
    from sums
    inner join tests on sums.test_name = tests.test_name and sums.phase = tests.phase
    cross join {{ ref('int_data_until_measured') }} as data_until
    where {{ add_hours("cast(sums.exposure_date + interval '1' day as timestamp)", 'tests.window_hours') }} <= data_until.data_until_at

),

families as (

    select distinct test_name, phase, metric, segment
    from sums

),

looks as (

    -- Every comparison has a row on every date: the size of a family must not change from look to look.
    select families.test_name, families.phase, families.metric, families.segment, dates.look_date
    from families
    inner join dates on families.test_name = dates.test_name and families.phase = dates.phase

),

sums_by_look as (

    select
        looks.test_name,
        looks.phase,
        looks.metric,
        looks.segment,
        looks.look_date,
        variants.variant,
        variants.is_control,
        coalesce(sums.exposed_units, 0) as exposed_units,
        coalesce(sums.unit_count, 0) as unit_count,
        coalesce(sums.converted_units, 0) as converted_units,
        {{ sums_of_units('coalesce(sums.SUM, 0)') }}
    from looks
    inner join {{ ref('int_ab_test_variants_listed') }} as variants
        on looks.test_name = variants.test_name and looks.phase = variants.phase and variants.is_planned
    left join sums
        on
            looks.test_name = sums.test_name and looks.phase = sums.phase and looks.metric = sums.metric
            and looks.segment = sums.segment and looks.look_date = sums.exposure_date and variants.variant = sums.variant

),

looks_accumulated as (

    select
        test_name,
        phase,
        metric,
        segment,
        {{ comparison_key('test_name', 'phase', 'metric', 'segment') }} as comparison_key,
        look_date,
        variant,
        is_control,
        cast(sum(exposed_units) over so_far as bigint) as exposed_units,
        cast(sum(unit_count) over so_far as bigint) as unit_count,
        cast(sum(converted_units) over so_far as bigint) as converted_units,
        {{ sums_of_units('cast(sum(SUM) over so_far as double)') }}
    from sums_by_look
    window so_far as (partition by test_name, phase, metric, segment, variant order by look_date rows unbounded preceding)

)

select * from looks_accumulated
