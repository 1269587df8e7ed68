-- One row per test, phase, segment and variant: the primary metric within the segment, and a verdict that is a hint.
with

explained as (

    select * from {{ ref('int_ab_test_verdicts_explained') }}
    where segment <> 'all'

)

select
    test_name,
    phase,
    metric,
    metric_type,
    segment,
    split_part(segment, '=', 1) as segment_type,
    substr(segment, length(split_part(segment, '=', 1)) + 2) as segment_value,
    variant,
    is_control,
    as_of,
    mature_units,
    converted_units as conversions,
    case when is_rate then estimate end as conversion_rate,
    wilson_low,
    wilson_high,
    case when not is_rate then estimate end as mean_value,
    abs_diff,
    rel_lift,
    std_error,
    ci_low,
    ci_high,
    sequential_p_value,
    sequential_p_holm,
    first_significant_date,
    has_min_sample,
    verdict,
    verdict_reason
from explained
