{% macro ordered_sum(expression, order_by) %}{{ return(adapter.dispatch('ordered_sum', 'colloquy')(expression, order_by)) }}{% endmacro %}

{% macro default__ordered_sum(expression, order_by) %}{{ exceptions.raise_compiler_error('ordered_sum: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__ordered_sum(expression, order_by) %}
    {%- do return("sum(" ~ expression ~ " order by " ~ order_by ~ ")") -%}
{% endmacro %}
