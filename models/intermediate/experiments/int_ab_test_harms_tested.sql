-- One row per registered test, phase, conversion metric and treatment: whether its units convert so seldom that it harms.
with

metrics as (

    select metrics.test_name, metrics.phase, metrics.metric, metrics.is_higher_better, tests.treatment_count
    from {{ ref('int_ab_test_metrics_listed') }} as metrics
    inner join {{ ref('int_ab_tests_listed') }} as tests on metrics.test_name = tests.test_name and metrics.phase = tests.phase
    where metrics.metric_type = 'conversion' and tests.is_registered

),

converted as (

    -- Immature units count, but only those that convert: a variant without conversions would otherwise never reach its sample.
    select
        outcomes.test_name,
        outcomes.phase,
        outcomes.metric,
        outcomes.variant,
        metrics.is_higher_better,
        metrics.treatment_count,
        cast(outcomes.first_converted_at as date) as converted_date,
        count(*) as unit_count
    from {{ ref('int_ab_test_outcomes_measured') }} as outcomes
    inner join metrics
        on outcomes.test_name = metrics.test_name and outcomes.phase = metrics.phase and outcomes.metric = metrics.metric
    cross join {{ ref('int_data_until_measured') }} as data_until
    where
        outcomes.outcome > 0
        and cast(cast(outcomes.first_converted_at as date) + interval '1' day as timestamp) <= data_until.data_until_at
    group by
        outcomes.test_name, outcomes.phase, outcomes.metric, outcomes.variant, metrics.is_higher_better, metrics.treatment_count,
        cast(outcomes.first_converted_at as date)

),

dates as (

    select distinct test_name, phase, metric, is_higher_better, treatment_count, converted_date
    from converted

),

-- Units of a variant that converted up to a date. Only whole dates count. A variant without a conversion on a date keeps its number.
conversions_accumulated as (

    select
        dates.*,
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

),

beside_control as (

    select
        *,
        max(case when is_control then unit_count end) over (partition by test_name, phase, metric, converted_date) as control_units,
        max(case when is_control then weight end) over (partition by test_name, phase, metric, converted_date) as planned_of_control
    from conversions_accumulated

),

pairs as (

    select
        *,
        unit_count + control_units as all_units,
        weight / (weight + planned_of_control) as treatment_weight,
        planned_of_control / (weight + planned_of_control) as control_weight
    from beside_control
    where not is_control and control_units is not null

),

pairs_tested as (

    select
        *,
        {{ sample_ratio_log_e_of_arm('unit_count', 'treatment_weight') }}
        + {{ sample_ratio_log_e_of_arm('control_units', 'control_weight') }}
        + {{ sample_ratio_log_e_of_total('all_units') }} as log_e,
        (unit_count / treatment_weight < control_units / control_weight) = is_higher_better as is_worse
    from pairs

),

harms_tested as (

    select
        test_name,
        phase,
        metric,
        'all' as segment,
        {{ comparison_key('test_name', 'phase', 'metric', "'all'") }} as comparison_key,
        variant,
        min(case when log_e >= ln(100.0 * treatment_count) and is_worse then converted_date end) as harm_since_date,
        max(unit_count) as converted_units,
        max(control_units) as control_converted_units
    from pairs_tested
    group by test_name, phase, metric, variant

)

select * from harms_tested
