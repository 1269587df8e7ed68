-- One row per test, phase, metric and variant: what the variant did, how it compares with the control, and the verdict.
with

decided as (

    select * from {{ ref('int_ab_test_verdicts_explained') }}
    where segment = 'all'

)

select
    -- what is compared
    test_name,
    phase,
    metric,
    metric_type,
    variant,
    is_control,
    is_registered,
    randomization_unit,
    not is_primary as is_exploratory,

    -- units
    as_of,
    look_date,
    first_exposure_at,
    last_exposure_at,
    {{ milliseconds_between('first_exposure_at', 'last_exposure_at') }} / 86400000.0 as days_running,
    exposed_units,
    mature_units,
    missing_share,
    cast(session_count as bigint) as exposed_sessions,
    converted_units as conversions,

    -- the variant by itself
    case when is_rate then estimate end as conversion_rate,
    wilson_low,
    wilson_high,
    case when not is_rate then estimate end as mean_value,

    -- against the control, as if looked at once
    abs_diff,
    rel_lift,
    std_error,
    z,
    z_pooled,
    fixed_p_value,
    fixed_ci_low,
    fixed_ci_high,

    -- against the control, whenever it is looked at
    method,
    planned_total,
    information_fraction,
    log_e,
    sequential_p_value,
    sequential_p_holm,
    1.0 - sequential_p_holm as confidence,
    1.0 - 0.05 / treatment_count as confidence_level,
    ci_low,
    ci_high,
    first_significant_date,

    -- the same of users, corrected by what they did before the test
    cuped_theta,
    cuped_abs_diff,
    cuped_std_error,
    cuped_ci_low,
    cuped_ci_high,
    cuped_variance_reduction,

    -- how much is enough
    min_required,
    has_min_sample,
    required_n_per_variant,
    mde_abs,
    detectable_diff_now,

    -- trust in the result
    srm_p_value,
    srm_chi2_p,
    contaminated_units,
    ambiguous_units,
    carried_over_units,
    assignment_mismatch_units,
    harm_alert,
    case
        when is_control or guardrail_margin is null then null
        when is_higher_better and ci_low > -guardrail_margin then 'ok'
        when is_higher_better and ci_high < -guardrail_margin then 'breach'
        when not is_higher_better and ci_high < guardrail_margin then 'ok'
        when not is_higher_better and ci_low > guardrail_margin then 'breach'
        else 'unknown'
    end as guardrail,
    verdict,
    verdict_reason
from decided
