{#- name: a column or a quoted literal -#}
{% macro property_text(properties, name) %}{{ return(adapter.dispatch('property_text', 'colloquy')(properties, name)) }}{% endmacro %}

{% macro default__property_text(properties, name) %}{{ exceptions.raise_compiler_error('property_text: not written for ' ~ target.type) }}{% endmacro %}

{% macro duckdb__property_text(properties, name) %}
    {%- do return("nullif(json_extract_string(" ~ properties ~ ", '$.\"' || " ~ name ~ " || '\"'), '')") -%}
{% endmacro %}
