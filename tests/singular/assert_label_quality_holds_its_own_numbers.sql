-- A sample that is not its four counts, or a rate outside 0 to 1 or its interval. NaN sorts above every number.
{{ config(meta={'dagster': {'ref': {'name': 'label_quality'}}}) }}
with

qualities as (

    select * from {{ ref('label_quality') }}

),

rates as (

    select stage, classifier, sensitivity as rate, sensitivity_ci_low as ci_low, sensitivity_ci_high as ci_high from qualities
    union all
    select stage, classifier, specificity as rate, specificity_ci_low as ci_low, specificity_ci_high as ci_high from qualities
    union all
    select stage, classifier, raw_rate as rate, raw_rate_ci_low as ci_low, raw_rate_ci_high as ci_high from qualities
    union all
    select
        stage, classifier, corrected_rate as rate, corrected_rate_ci_low as ci_low, corrected_rate_ci_high as ci_high
    from qualities

)

select stage, classifier, 'counts' as problem
from qualities
where
    sample_size <> true_positives + false_positives + false_negatives + true_negatives
    or sample_size > labelled_conversations
    or reached_conversations + unknown_conversations > labelled_conversations
union all
select stage, classifier, 'kappa' as problem
from qualities
where kappa > 1 + 1e-9 or kappa < -1 - 1e-9
union all
select stage, classifier, 'rate' as problem
from rates
where
    rate > 1
    or rate < 0
    or ci_low > rate + 1e-9
    or ci_high < rate - 1e-9
    or ci_high > 1
    or ci_low < 0
    or (ci_low is null) <> (rate is null)
    or (ci_high is null) <> (rate is null)
