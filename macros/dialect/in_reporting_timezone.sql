{% macro in_reporting_timezone(utc_timestamp) %}{{ return(adapter.dispatch('in_reporting_timezone', 'colloquy')(utc_timestamp)) }}{% endmacro %}

{% macro default__in_reporting_timezone(utc_timestamp) %}{{ exceptions.raise_compiler_error('in_reporting_timezone: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__in_reporting_timezone(utc_timestamp) %}
    {%- do return("timezone('" ~ var('timezone') ~ "', timezone('UTC', " ~ utc_timestamp ~ "))") -%}
{% endmacro %}
