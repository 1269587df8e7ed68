-- One row per registered test, phase, conversion metric and treatment: whether its units convert so seldom that it harms.
with

converted_accumulated as (

    select * from {{ ref('int_ab_test_conversions_accumulated') }}

),

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

metrics as (

    select * from {{ ref('int_ab_test_metrics_listed') }}

),

pairs as (

    select
        treatment.test_name,
        treatment.phase,
        treatment.metric,
        treatment.variant,
        treatment.converted_date,
        tests.treatment_count,
        treatment.unit_count as treatment_units,
        control.unit_count as control_units,
        treatment.unit_count + control.unit_count as all_units,
        treatment.weight / (treatment.weight + control.weight) as treatment_weight,
        control.weight / (treatment.weight + control.weight) as control_weight,
        metrics.is_higher_better
    from converted_accumulated as treatment
    inner join converted_accumulated as control
        on
            treatment.test_name = control.test_name and treatment.phase = control.phase and treatment.metric = control.metric
            and treatment.converted_date = control.converted_date and control.is_control
    inner join tests on treatment.test_name = tests.test_name and treatment.phase = tests.phase
    inner join metrics
        on treatment.test_name = metrics.test_name and treatment.phase = metrics.phase and treatment.metric = metrics.metric
    where not treatment.is_control

),

pairs_tested as (

    select
        *,
        {{ sample_ratio_log_e_of_arm('treatment_units', 'treatment_weight') }}
        + {{ sample_ratio_log_e_of_arm('control_units', 'control_weight') }}
        + {{ sample_ratio_log_e_of_total('all_units') }} as log_e,
        (treatment_units / treatment_weight < control_units / control_weight) = is_higher_better as is_worse
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
        min(case when log_e >= ln(100.0 * treatment_count) and is_worse then converted_date end) as harm_since_date
    from pairs_tested
    group by test_name, phase, metric, variant

)

select * from harms_tested
