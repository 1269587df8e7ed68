-- One row per rule and window that has matured: its value next to that of the equal window before, and whether the rule fires.
{{ config(materialized='table') }}
{#- One-sided bounds at 99.5 %: at the threshold itself one evaluation in 200 fires. -#}
{%- set z = '2.5758293035489004' %}
with

estimated as (

    select
        summed.*,
        summed.numerator / nullif(summed.denominator, 0) as value,
        case summed.kind when 'ratio' then coalesce(summed.cluster_count, 0) else coalesce(summed.denominator, 0) end as sample_size,
        -- The squares that the error is made of, were all conversations independent.
        case summed.kind when 'ratio' then summed.denominator_squared else summed.denominator end as own_weight,
        repeats.numerator_pairs,
        repeats.denominator_pairs,
        repeats.mixed_pairs
    from {{ ref('int_alert_windows_summed') }} as summed
    left join {{ ref('int_alert_repeats_summed') }} as repeats
        on summed.rule = repeats.rule and summed.window_end_at = repeats.window_end_at

),

deviations as (

    select
        *,
        {{ squared_error() }} as independent_error,
        denominator_pairs / nullif(own_weight, 0) as paired_weight,
        case
            when kind = 'rate' then numerator * (1 - value)
            when kind = 'mean' then numerator_squared - numerator * value
            else numerator_squared - 2 * value * product_sum + value * value * denominator_squared
        end as own_squares,
        numerator_pairs - 2 * value * mixed_pairs + value * value * denominator_pairs as paired_products
    from estimated

),

-- How much alike the conversations of one user are, over the pairs of all windows until this one: one window has too few of them.
correlated as (

    select
        *,
        least(
            1.0,
            greatest(
                0.0, sum(paired_products) over rule_until_now / nullif(sum(own_squares * paired_weight) over rule_until_now, 0)
            )
        ) as correlation
    from deviations
    window rule_until_now as (partition by rule order by window_end_at rows between unbounded preceding and current row)

),

-- So many independent conversations say as much as these do.
windows as (

    select
        *,
        numerator / (1 + coalesce(correlation * paired_weight, 0)) as effective_numerator,
        denominator / (1 + coalesce(correlation * paired_weight, 0)) as effective_denominator,
        independent_error * (1 + coalesce(correlation * paired_weight, 0)) as squared_error
    from correlated

),

pairs as (

    select
        windows.*,
        before.value as value_before,
        before.sample_size as sample_size_before,
        before.effective_numerator as numerator_before,
        before.effective_denominator as denominator_before,
        before.squared_error as squared_error_before,
        windows.condition in ('drops_by', 'rises_by') as is_change
    from windows
    left join windows as before on windows.rule = before.rule and windows.window_start_at = before.window_end_at

),

bounds as (

    select
        *,
        case when is_change then value - value_before else value end as measured,
        case
            when is_change and kind = 'rate'
                then {{ newcombe_low('numerator_before', 'denominator_before', 'effective_numerator', 'effective_denominator', z) }}
            when is_change then value - value_before - {{ z }} * sqrt(squared_error + squared_error_before)
            when kind = 'rate' then {{ wilson_low('effective_numerator', 'effective_denominator', z) }}
            else value - {{ z }} * sqrt(squared_error)
        end as measured_low,
        case
            when is_change and kind = 'rate'
                then {{ newcombe_high('numerator_before', 'denominator_before', 'effective_numerator', 'effective_denominator', z) }}
            when is_change then value - value_before + {{ z }} * sqrt(squared_error + squared_error_before)
            when kind = 'rate' then {{ wilson_high('effective_numerator', 'effective_denominator', z) }}
            else value + {{ z }} * sqrt(squared_error)
        end as measured_high,
        sample_size >= minimum_sample and (not is_change or coalesce(sample_size_before >= minimum_sample, false)) as is_sample_sufficient
    from pairs

),

windows_judged as (

    select
        *,
        is_sample_sufficient and coalesce(
            case condition
                when 'drops_below' then measured_high < threshold
                when 'exceeds' then measured_low > threshold
                when 'drops_by' then measured_high < -threshold
                when 'rises_by' then measured_low > threshold
            end, false
        ) as is_firing,
        -- Between firing and recovered nothing changes: an alert does not flap around its threshold.
        is_sample_sufficient and coalesce(
            case condition
                when 'drops_below' then measured >= threshold
                when 'exceeds' then measured <= threshold
                when 'drops_by' then measured >= -threshold
                when 'rises_by' then measured <= threshold
            end, false
        ) as is_recovered
    from bounds

)

select * from windows_judged
