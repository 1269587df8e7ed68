{#-
    Squared standard error of a mean (kind mean) or a ratio of sums (kind ratio, by the delta method over conversations, because
    the turns of one conversation are not independent of each other). Reads numerator, denominator, value, sample_size,
    numerator_squared, denominator_squared and product_sum of the row; null for other kinds and below two units.
-#}
{% macro squared_error() -%}
    case
        when kind = 'mean' and sample_size > 1
            then greatest(numerator_squared - numerator * value, 0) / (sample_size - 1) / sample_size
        when kind = 'ratio' and sample_size > 1
            then
                greatest(numerator_squared - 2 * value * product_sum + value * value * denominator_squared, 0)
                / (sample_size - 1) * sample_size / nullif(denominator * denominator, 0)
    end
{%- endmacro %}
