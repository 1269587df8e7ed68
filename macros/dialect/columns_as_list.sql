{#- The values of all columns of the one relation of a query but those named, as a list of one type. -#}
{% macro columns_as_list(without, type) %}{{ return(adapter.dispatch('columns_as_list', 'colloquy')(without, type)) }}{% endmacro %}

{% macro default__columns_as_list(without, type) %}{{ exceptions.raise_compiler_error('columns_as_list: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__columns_as_list(without, type) %}
    {%- do return('cast(list_value(*columns(* exclude (' ~ without | join(', ') ~ '))) as ' ~ type ~ '[])') -%}
{% endmacro %}
