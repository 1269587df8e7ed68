-- One row per rule and window: the products of all pairs of conversations of one user in it.
{{ config(materialized='table') }}
with

hours as (

    select
        rules.rule,
        rules.window_hours,
        repeats.user_key,
        repeats.hour_at,
        cast(repeats.numerator as decimal(19, 0)) as numerator,
        cast(repeats.denominator as decimal(19, 0)) as denominator,
        repeats.numerator_squared,
        repeats.denominator_squared,
        repeats.numerator_x_denominator,
        count(*) over (partition by rules.rule, repeats.user_key) > 1
        or repeats.denominator_squared <> repeats.denominator * repeats.denominator as is_repeated
    from {{ ref('alert_rules') }} as rules
    inner join {{ ref('int_alert_repeats_measured') }} as repeats
        on rules.metric_name = repeats.metric_name and rules.segment = repeats.segment

),

-- An hour enters the window that ends with it, and leaves with the first one that begins after it.
changes as (

    select
        rule, user_key, {{ add_hours('hour_at', 1) }} as window_end_at,
        numerator, denominator, numerator_squared, denominator_squared, numerator_x_denominator
    from hours
    where is_repeated
    union all
    select
        rule, user_key, {{ add_hours('hour_at', '1 + window_hours') }} as window_end_at,
        -numerator as numerator,
        -denominator as denominator,
        -numerator_squared as numerator_squared,
        -denominator_squared as denominator_squared,
        -numerator_x_denominator as numerator_x_denominator
    from hours
    where is_repeated

),

changes_of_users as (

    select
        rule,
        user_key,
        window_end_at,
        cast(sum(numerator) as decimal(19, 0)) as numerator,
        cast(sum(denominator) as decimal(19, 0)) as denominator,
        sum(numerator_squared) as numerator_squared,
        sum(denominator_squared) as denominator_squared,
        sum(numerator_x_denominator) as numerator_x_denominator
    from changes
    group by rule, user_key, window_end_at

),

sums_of_users as (

    select
        *,
        cast(sum(numerator) over user_until_now as decimal(19, 0)) as numerator_sum,
        cast(sum(denominator) over user_until_now as decimal(19, 0)) as denominator_sum
    from changes_of_users
    window user_until_now as (partition by rule, user_key order by window_end_at rows between unbounded preceding and current row)

),

-- The square of a sum is the squares of its terms and the products of all pairs: the change of one less that of the other.
changes_of_pairs as (

    select
        rule,
        window_end_at,
        sum(2 * numerator_sum * numerator - numerator * numerator - numerator_squared) as numerator_pairs,
        sum(2 * denominator_sum * denominator - denominator * denominator - denominator_squared) as denominator_pairs,
        sum(
            numerator_sum * denominator + denominator_sum * numerator - numerator * denominator - numerator_x_denominator
        ) as mixed_pairs,
        false as is_window
    from sums_of_users
    group by rule, window_end_at
    union all
    select rule, window_end_at, 0 as numerator_pairs, 0 as denominator_pairs, 0 as mixed_pairs, true as is_window
    from {{ ref('int_alert_windows_summed') }}

),

pairs_until_now as (

    select
        rule,
        window_end_at,
        is_window,
        sum(numerator_pairs) over rule_until_now as numerator_pairs,
        sum(denominator_pairs) over rule_until_now as denominator_pairs,
        sum(mixed_pairs) over rule_until_now as mixed_pairs
    from changes_of_pairs
    window rule_until_now as (partition by rule order by window_end_at, is_window rows between unbounded preceding and current row)

),

repeats_summed as (

    select
        pairs.rule,
        pairs.window_end_at,
        cast(pairs.numerator_pairs as double) * metrics.scale * metrics.scale as numerator_pairs,
        cast(pairs.denominator_pairs as double) as denominator_pairs,
        cast(pairs.mixed_pairs as double) * metrics.scale as mixed_pairs
    from pairs_until_now as pairs
    inner join {{ ref('alert_rules') }} as rules on pairs.rule = rules.rule
    inner join {{ ref('int_metrics_defined') }} as metrics on rules.metric_name = metrics.metric_name
    where pairs.is_window

)

select * from repeats_summed
