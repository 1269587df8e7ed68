-- One row per test, phase, metric, segment and planned variant: its verdict, and the phrases a sentence about it is made of.
{{ config(materialized='ephemeral') }}
with

decided as (

    select
        *,
        metric_type = 'conversion' as is_rate,
        case when metric_type = 'conversion' then 100 else 500 end as min_required,
        case when metric_type = 'conversion' then converted_units else unit_count end as sample,
        case when metric_type = 'conversion' then control_converted_units else control_unit_count end as control_sample,
        case when metric_type = 'conversion' then 'conversions' else 'units' end as sample_unit
    from {{ ref('int_ab_test_verdicts_decided') }}

),

verdicts_worded as (

    select
        *,
        variant || ' has ' || {{ amount_text('estimate', 'is_rate', ' %') }} || ' against '
        || {{ amount_text('control_estimate', 'is_rate', ' %') }} || ' of ' || control_variant as comparison_text,
        variant || ' has ' || sample || ' and ' || control_variant || ' ' || control_sample || ' ' || sample_unit as sample_text,
        coalesce(
            'between ' || {{ amount_text('ci_low', 'is_rate', '') }} || ' and ' || {{ amount_text('ci_high', 'is_rate', '') }}
            || case when is_rate then ' points' else '' end,
            'in no interval that could be told, as the units of a variant are all alike'
        ) as interval_text,
        {{ number_text('100.0 * missing_share', 1) }} || ' %' as missing_text,
        {{ number_text('100.0 * control_missing_share', 1) }} || ' %' as control_missing_text
    from decided

)

select * from verdicts_worded
