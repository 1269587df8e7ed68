{#- Whether a value stands in a `|`-list of the configuration; an empty list admits every value. -#}
{% macro in_list(value, list) %}{{ return(adapter.dispatch('in_list', 'colloquy')(value, list)) }}{% endmacro %}

{% macro default__in_list(value, list) %}{{ exceptions.raise_compiler_error('in_list: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__in_list(value, list) %}
    {%- do return("(" ~ list ~ " is null or list_contains(string_split(" ~ list ~ ", '|'), coalesce(" ~ value ~ ", '')))") -%}
{% endmacro %}
