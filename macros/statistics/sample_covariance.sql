{#- The sums an arm is estimated from, of its units: y outcome, m sessions, and both before the exposure, x and n. -#}
{% macro moments_of_units() %}
    {{- return(['y', 'm', 'x', 'n', 'yy', 'ym', 'yx', 'yn', 'mm', 'mx', 'mn', 'xx', 'xn', 'nn']) -}}
{% endmacro %}

{#- Sample covariance (n - 1) of two of these values from their sums; of one with itself its variance. Null below two units. -#}
{% macro sample_covariance(first, second) -%}
    ((sum_{{ first ~ second }} - sum_{{ first }} * sum_{{ second }} / nullif(unit_count, 0)) / nullif(unit_count - 1, 0))
{%- endmacro %}
