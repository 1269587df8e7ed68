-- One row per registered test, phase, conversion metric, date of a first conversion and variant: units converted up to it.
with

metrics as (

    select metrics.*
    from {{ ref('int_ab_test_metrics_listed') }} as metrics
    inner join {{ ref('int_ab_tests_listed') }} as tests on metrics.test_name = tests.test_name and metrics.phase = tests.phase
    where metrics.metric_type = 'conversion' and tests.is_registered

),

converted as (

    -- Immature units count, and only those that convert: a dead variant would otherwise wait for its sample for ever.
    select
        outcomes.test_name,
        outcomes.phase,
        outcomes.metric,
        outcomes.variant,
        cast(outcomes.first_converted_at as date) as converted_date,
        count(*) as unit_count
    from {{ ref('int_ab_test_outcomes_measured') }} as outcomes
    inner join metrics
        on outcomes.test_name = metrics.test_name and outcomes.phase = metrics.phase and outcomes.metric = metrics.metric
    cross join {{ ref('int_data_until_measured') }} as data_until
    where
        outcomes.outcome > 0
        and cast(cast(outcomes.first_converted_at as date) + interval '1' day as timestamp) <= data_until.data_until_at
    group by outcomes.test_name, outcomes.phase, outcomes.metric, outcomes.variant, cast(outcomes.first_converted_at as date)

),

dates as (

    select distinct test_name, phase, metric, converted_date
    from converted

),

conversions_accumulated as (

    select
        dates.test_name,
        dates.phase,
        dates.metric,
        dates.converted_date,
        variants.variant,
        variants.is_control,
        variants.weight,
        sum(coalesce(converted.unit_count, 0)) over (
            partition by dates.test_name, dates.phase, dates.metric, variants.variant
            order by dates.converted_date rows between unbounded preceding and current row
        ) as unit_count
    from dates
    inner join {{ ref('int_ab_test_variants_listed') }} as variants
        on dates.test_name = variants.test_name and dates.phase = variants.phase and variants.weight > 0
    left join converted
        on
            dates.test_name = converted.test_name and dates.phase = converted.phase and dates.metric = converted.metric
            and dates.converted_date = converted.converted_date and variants.variant = converted.variant

)

select * from conversions_accumulated
