{#-
    A table made in one statement. The one that dbt-duckdb ships makes it under another name, renames the old one away,
    renames the new one and drops the old, each with its own look at the catalog: half the cost of a small table.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- do create_table_in_place(target_relation, compiled_code) -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Readers of the build see the old table or the new one: it is one transaction. -#}
{% macro create_table_in_place(target_relation, sql) %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set is_contracted = config.get('contract').enforced -%}
    {%- if is_contracted -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
    {% call statement('main') -%}
        {%- if existing_relation is not none and not existing_relation.is_table %}
        drop {{ existing_relation.type }} {{ existing_relation }};
        {%- endif %}
        create or replace table {{ target_relation }} as (
            {{ get_select_subquery(sql) if is_contracted else sql }}
        );
    {%- endcall %}
    {%- do persist_docs(target_relation, model) -%}
{% endmacro %}
