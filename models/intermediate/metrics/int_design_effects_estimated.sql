-- One row per compared metric and segment: how many times the variance of its difference is that of independent conversations.
with

repeats as (

    select * from {{ ref('int_segment_repeats_counted') }}

),

compared as (

    select * from {{ ref('int_segments_compared') }}

),

rates as (

    select metric_name, max(pooled_value) as rate
    from compared
    group by metric_name

),

-- Over all pairs of conversations of one user, how much alike they are: the correlation within users, the same in all segments.
correlations as (

    select
        rates.metric_name,
        repeats.repeated_count,
        repeats.own_squared,
        least(
            1.0,
            greatest(
                0.0,
                (
                    repeats.numerator_squared - repeats.numerator
                    - 2.0 * rates.rate * (repeats.numerator_x_denominator - repeats.numerator)
                    + rates.rate * rates.rate * (repeats.own_squared - repeats.repeated_count)
                )
                / nullif(rates.rate * (1.0 - rates.rate) * (repeats.own_squared - repeats.repeated_count), 0.0)
            )
        ) as correlation
    from repeats
    inner join rates on repeats.metric_name = rates.metric_name
    where repeats.segment = 'all'

),

-- Each conversation weighs 1 / n in the segment and -1 / n in the rest. Pairs of one user add the products of their weights.
pairs as (

    select
        compared.metric_name,
        compared.segment,
        1.0 / compared.denominator + 1.0 / compared.rest_denominator as independent_weight,
        correlations.correlation,
        (coalesce(repeats.own_squared, 0) - coalesce(repeats.repeated_count, 0)) / power(compared.denominator, 2)
        - 2.0 * (coalesce(repeats.own_x_whole, 0) - coalesce(repeats.own_squared, 0))
        / compared.denominator / compared.rest_denominator
        + (
            correlations.own_squared - 2.0 * coalesce(repeats.own_x_whole, 0) + coalesce(repeats.own_squared, 0)
            - correlations.repeated_count + coalesce(repeats.repeated_count, 0)
        ) / power(compared.rest_denominator, 2) as paired_weight
    from compared
    left join correlations on compared.metric_name = correlations.metric_name
    left join repeats on compared.metric_name = repeats.metric_name and compared.segment = repeats.segment
    where compared.denominator > 0 and compared.rest_denominator > 0

),

-- Never below 1: users who are in both make a difference surer, but by how much is known badly.
design_effects_estimated as (

    select
        metric_name,
        segment,
        correlation,
        coalesce(greatest(1.0, 1.0 + correlation * paired_weight / independent_weight), 1.0) as design_effect
    from pairs

)

select * from design_effects_estimated
