{#- The hour of the day in the reporting time zone as two digits, 00 to 23. -#}
{% macro local_hour_text(utc_timestamp) %}{{ return(adapter.dispatch('local_hour_text', 'colloquy')(utc_timestamp)) }}{% endmacro %}

{% macro default__local_hour_text(utc_timestamp) %}{{ exceptions.raise_compiler_error('local_hour_text: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__local_hour_text(utc_timestamp) %}
    {%- do return("strftime(" ~ in_reporting_timezone(utc_timestamp) ~ ", '%H')") -%}
{% endmacro %}
