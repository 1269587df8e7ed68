{#- The item of a list at a place, counted from 1; null where the place is null. -#}
{% macro item_at(list, place) %}{{ return(adapter.dispatch('item_at', 'colloquy')(list, place)) }}{% endmacro %}

{% macro default__item_at(list, place) %}{{ exceptions.raise_compiler_error('item_at: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__item_at(list, place) %}{{ return(list ~ '[' ~ place ~ ']') }}{% endmacro %}
