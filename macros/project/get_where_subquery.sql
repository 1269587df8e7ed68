{#-
    Overrides dbt's macro, through which every generic test reads its model. If the meta of a model states what it replaces, or by
    which load its rows arrive, a test can be limited to the rows that a run has made.
-#}
{% macro get_where_subquery(relation) %}
    {%- set conditions = [] -%}
    {%- if config.get('where') %}{% do conditions.append('(' ~ config.get('where') ~ ')') %}{% endif -%}
    {%- if execute -%}
        {%- set meta = graph.nodes[model.attached_node].config.meta if model.attached_node in graph.nodes else {} -%}
        {%- if meta.replaces -%}
            {%- set affected = graph.nodes['model.' ~ project_name ~ '.' ~ meta.replaces].relation_name -%}
            {%- do conditions.append(only_built(affected, graph.nodes[model.attached_node].config.unique_key, meta.by)) -%}
        {%- elif meta.arrives_by -%}
            {%- do conditions.append(only_landed(meta.arrives_by)) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ conditions | join('\n    and ') ~ ') as built' if conditions else relation) -%}
{% endmacro %}
