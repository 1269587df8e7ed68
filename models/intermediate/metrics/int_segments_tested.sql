-- One row per compared segment whose sample and that of the rest suffice: how likely a difference at least as large is by chance.
{#- A count expected above it is as good as normal, below it the exact sum is taken, of so many terms at most. -#}
{%- set least_expected = 100 %}
{%- set most_terms = 400 %}
with

-- The smallest expected of the four cells is that of the rarer outcome on the smaller side; the test is the same from each cell.
compared as (

    select
        *,
        denominator + rest_denominator as total,
        least(denominator, rest_denominator) as smaller,
        least(numerator + rest_numerator, denominator + rest_denominator - numerator - rest_numerator) as rarer,
        numerator + rest_numerator <= denominator + rest_denominator - numerator - rest_numerator as is_success_rarer
    from {{ ref('int_segments_compared') }}
    where denominator >= minimum_sample and rest_denominator >= minimum_sample

),

cells as (

    select
        metric_name,
        segment,
        total,
        smaller,
        rarer,
        case
            when denominator <= rest_denominator and is_success_rarer then numerator
            when denominator <= rest_denominator then denominator - numerator
            when is_success_rarer then rest_numerator
            else rest_denominator - rest_numerator
        end as observed,
        cast(smaller as double) * rarer / total < {{ least_expected }} as is_exact,
        (value - rest_value)
        / nullif(sqrt(pooled_value * (1 - pooled_value) * (1.0 / denominator + 1.0 / rest_denominator)), 0) as z
    from compared

),

counts as (

    {{ integer_series(0, most_terms, 'cell_count') }}

),

-- The hypergeometric distribution, which holds whatever the rate is.
terms as (

    select
        cells.metric_name,
        cells.segment,
        case when counts.cell_count = cells.observed then 0.5 else 1.0 end * exp(
            {{ log_binomial('cells.rarer', 'counts.cell_count') }}
            + {{ log_binomial('cells.total - cells.rarer', 'cells.smaller - counts.cell_count') }}
            - {{ log_binomial('cells.total', 'cells.smaller') }}
        ) as probability
    from cells
    cross join counts
    where cells.is_exact and counts.cell_count <= cells.observed

),

tails as (

    select metric_name, segment, least(1.0, {{ ordered_sum('probability', 'probability') }}) as lower_tail
    from terms
    group by metric_name, segment

),

-- Half of the observed count's own probability (Lancaster's mid-p) belongs to either tail; both tails by doubling the smaller.
-- Rounding leaves nothing of tails below 1e-15.
independent as (

    select
        cells.metric_name,
        cells.segment,
        cells.is_exact,
        effects.design_effect,
        case
            when cells.rarer = 0 then null
            when cells.is_exact
                then -{{ normal_quantile('greatest(least(0.5, tails.lower_tail, 1.0 - tails.lower_tail), 1e-15)') }}
            else abs(cells.z)
        end as z
    from cells
    inner join {{ ref('int_design_effects_estimated') }} as effects
        on cells.metric_name = effects.metric_name and cells.segment = effects.segment
    left join tails on cells.metric_name = tails.metric_name and cells.segment = tails.segment

),

segments_tested as (

    select
        metric_name,
        segment,
        is_exact,
        design_effect,
        z / sqrt(design_effect) as z,
        {{ normal_two_sided_p('(z / sqrt(design_effect))') }} as p_value
    from independent

)

select * from segments_tested
