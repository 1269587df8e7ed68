{#- A UTC moment as ISO-8601 text in the reporting time zone, minutes and offset included: 2025-10-26T02:00+01:00. -#}
{% macro local_time_text(utc_timestamp) %}{{ return(adapter.dispatch('local_time_text', 'colloquy')(utc_timestamp)) }}{% endmacro %}

{% macro default__local_time_text(utc_timestamp) %}{{ exceptions.raise_compiler_error('local_time_text: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__local_time_text(utc_timestamp) %}
    {%- set local = in_reporting_timezone(utc_timestamp) -%}
    {%- set offset = "((epoch_us(" ~ local ~ ") - epoch_us(" ~ utc_timestamp ~ ")) // 60000000)" -%}
    {%- do return(
        "strftime(" ~ local ~ ", '%Y-%m-%dT%H:%M') || case when " ~ offset ~ " < 0 then '-' else '+' end"
        ~ " || lpad(cast(abs(" ~ offset ~ ") // 60 as varchar), 2, '0') || ':' || lpad(cast(abs(" ~ offset ~ ") % 60 as varchar), 2, '0')"
    ) -%}
{% endmacro %}
