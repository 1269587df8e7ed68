{#-
    The UTC moment at which the hour of the reporting time zone around a moment starts. Zones with half-hour offsets start
    theirs at :30; the hour that a clock change repeats starts twice.
-#}
{% macro start_of_local_hour(utc_timestamp) %}{{ return(adapter.dispatch('start_of_local_hour', 'colloquy')(utc_timestamp)) }}{% endmacro %}

{% macro default__start_of_local_hour(utc_timestamp) %}{{ exceptions.raise_compiler_error('start_of_local_hour: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__start_of_local_hour(utc_timestamp) %}
    {%- set local = in_reporting_timezone(utc_timestamp) -%}
    {%- do return("(" ~ utc_timestamp ~ " - (" ~ local ~ " - date_trunc('hour', " ~ local ~ ")))") -%}
{% endmacro %}
