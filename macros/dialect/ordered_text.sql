{% macro ordered_text(expression, order_by) %}{{ return(adapter.dispatch('ordered_text', 'colloquy')(expression, order_by)) }}{% endmacro %}

{% macro default__ordered_text(expression, order_by) %}{{ exceptions.raise_compiler_error('ordered_text: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__ordered_text(expression, order_by) %}
    {%- do return("string_agg(" ~ expression ~ ", ',' order by " ~ order_by ~ ")") -%}
{% endmacro %}
