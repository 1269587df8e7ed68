{% macro url_path(url) %}{{ return(adapter.dispatch('url_path', 'colloquy')(url)) }}{% endmacro %}

{% macro default__url_path(url) %}{{ exceptions.raise_compiler_error('url_path: not written for ' ~ target.type) }}{% endmacro %}

{#-
    Query and fragment carry search words and tokens of people, a mailto: their address: none of it becomes a dimension.
    [\s\S] and not a dot, which stops at a line break.
-#}
{% macro duckdb__url_path(url) %}
    {%- set without_other_schemes = "regexp_replace(" ~ url ~ ", '^[A-Za-z][A-Za-z0-9+.-]*:([^/]|$)[\\s\\S]*$', '/')" -%}
    {%- set without_host = "regexp_replace(" ~ without_other_schemes ~ ", '^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*', '')" -%}
    {%- set path = "regexp_replace(" ~ without_host ~ ", '[?#][\\s\\S]*$', '')" -%}
    {%- do return("coalesce(nullif(" ~ path ~ ", ''), case when " ~ url ~ " is not null then '/' end)") -%}
{% endmacro %}
