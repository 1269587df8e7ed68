{#-
    An incremental table changed in one statement: the new rows are found, the old ones go, the new ones come. A column
    more or fewer comes with a changed project, which makes a full refresh; comments stay with the table.
-#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing_relation is none or existing_relation.is_view or should_full_refresh() -%}
        {%- do create_table_in_place(target_relation, compiled_code) -%}
    {%- else -%}
        {% call statement('main') -%}
            {{ replace_affected_rows(target_relation, existing_relation.identifier ~ '__new', compiled_code) }}
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
