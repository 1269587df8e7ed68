{#-
    A mart as readers see it while this build runs; none before the first version. No ref: it is the outcome of an
    earlier build, which may be another release's.
-#}
{% macro published_before(name) %}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {{ return(adapter.get_relation('published_before', 'marts', name)) }}
{% endmacro %}
