{#- The sums an arm is estimated from, of its units: y outcome, m sessions, and both before the exposure, x and n. -#}
{% macro sums_of_units(expression) %}
    {%- set columns = [] -%}
    {%- for values in ['y', 'm', 'x', 'n', 'yy', 'ym', 'yx', 'yn', 'mm', 'mx', 'mn', 'xx', 'xn', 'nn'] -%}
        {%- set name = 'sum_' ~ values -%}
        {%- do columns.append(expression.replace('PRODUCT', values | join(' * ')).replace('SUM', name) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {%- do return(columns | join(', ')) -%}
{% endmacro %}

{#- Sample covariance (n - 1) of two of these values from their sums; of one with itself its variance. Null below two units. -#}
{% macro sample_covariance(first, second) -%}
    ((sum_{{ first ~ second }} - sum_{{ first }} * sum_{{ second }} / nullif(unit_count, 0)) / nullif(unit_count - 1, 0))
{%- endmacro %}
