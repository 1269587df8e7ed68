{#-
    A table as the last run left it, for models that compare with what was stated before. No ref, because that table
    itself depends on them; none on a full refresh or before the first build.
-#}
{% macro relation_before(schema, name) %}
    {%- if flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
    {{ return(adapter.get_relation(target.database, schema, name)) }}
{% endmacro %}
