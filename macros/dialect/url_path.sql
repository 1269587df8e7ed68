{% macro url_path(url) %}{{ return(adapter.dispatch('url_path', 'colloquy')(url)) }}{% endmacro %}

{% macro default__url_path(url) %}{{ exceptions.raise_compiler_error('url_path: not written for ' ~ target.type) }}{% endmacro %}

{#- Query and fragment carry search words and tokens of people: they never become a dimension. -#}
{% macro duckdb__url_path(url) %}
    {%- do return("coalesce(nullif(regexp_replace(regexp_replace(" ~ url ~ ", '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#].*$', ''), ''), case when " ~ url ~ " is not null then '/' end)") -%}
{% endmacro %}
