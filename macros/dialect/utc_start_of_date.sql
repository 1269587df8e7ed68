{#- The UTC moment at which a date starts in the reporting time zone. -#}
{% macro utc_start_of_date(local_date) %}{{ return(adapter.dispatch('utc_start_of_date', 'colloquy')(local_date)) }}{% endmacro %}

{% macro default__utc_start_of_date(local_date) %}{{ exceptions.raise_compiler_error('utc_start_of_date: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__utc_start_of_date(local_date) %}
    {%- do return("timezone('UTC', timezone('" ~ var('timezone') ~ "', cast(" ~ local_date ~ " as timestamp)))") -%}
{% endmacro %}
