{#- A query with one row per whole number from first to last, in the column named. -#}
{% macro integer_series(first, last, column) %}{{ return(adapter.dispatch('integer_series', 'colloquy')(first, last, column)) }}{% endmacro %}

{% macro default__integer_series(first, last, column) %}{{ exceptions.raise_compiler_error('integer_series: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__integer_series(first, last, column) %}
    {%- do return('select cast(generate_series as bigint) as ' ~ column ~ ' from generate_series(' ~ first ~ ', ' ~ last ~ ')') -%}
{% endmacro %}
