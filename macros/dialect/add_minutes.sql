{% macro add_minutes(utc_timestamp, minutes) %}{{ return(adapter.dispatch('add_minutes', 'colloquy')(utc_timestamp, minutes)) }}{% endmacro %}

{% macro default__add_minutes(utc_timestamp, minutes) %}{{ exceptions.raise_compiler_error('add_minutes: not written for ' ~ target.type) }}{% endmacro %}

{#- dbt's dateadd takes no column as its amount on every engine. -#}
{% macro duckdb__add_minutes(utc_timestamp, minutes) %}
    {%- do return("(" ~ utc_timestamp ~ " + to_minutes(cast(" ~ minutes ~ " as bigint)))") -%}
{% endmacro %}
