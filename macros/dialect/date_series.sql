{#- A query with one row per date from first to last, both columns of a relation with one row; none when they are null. -#}
{% macro date_series(relation, first, last, column) %}{{ return(adapter.dispatch('date_series', 'colloquy')(relation, first, last, column)) }}{% endmacro %}

{% macro default__date_series(relation, first, last, column) %}{{ exceptions.raise_compiler_error('date_series: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__date_series(relation, first, last, column) %}
    {%- do return("select cast(unnest(generate_series(" ~ first ~ ", " ~ last ~ ", interval '1' day)) as date) as " ~ column ~ " from " ~ relation) -%}
{% endmacro %}
