{#- A list of values of one type. -#}
{% macro as_list(values) %}{{ return(adapter.dispatch('as_list', 'colloquy')(values)) }}{% endmacro %}

{% macro default__as_list(values) %}{{ exceptions.raise_compiler_error('as_list: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__as_list(values) %}{{ return('[' ~ values | join(', ') ~ ']') }}{% endmacro %}
