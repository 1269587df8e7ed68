{#- A list of values of one type, and its item at a place counted from 1; null where the place is null. -#}
{% macro list_of(values) %}{{ return(adapter.dispatch('list_of', 'colloquy')(values)) }}{% endmacro %}

{% macro default__list_of(values) %}{{ exceptions.raise_compiler_error('list_of: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__list_of(values) %}{{ return('[' ~ values | join(', ') ~ ']') }}{% endmacro %}

{% macro list_item(list, place) %}{{ return(adapter.dispatch('list_item', 'colloquy')(list, place)) }}{% endmacro %}

{% macro default__list_item(list, place) %}{{ exceptions.raise_compiler_error('list_item: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__list_item(list, place) %}{{ return(list ~ '[' ~ place ~ ']') }}{% endmacro %}
