{#-
    The newest load that a complete build has covered; orchestration/warehouse/build_records.py keeps the record. A literal,
    because a scalar subquery in a filter keeps the engine from skipping row groups.
-#}
{% macro built_through_load_id() %}
    {%- set builds = adapter.get_relation(target.database, 'state', 'builds') if execute -%}
    {%- if flags.FULL_REFRESH or not builds -%}{{ return(0) }}{%- endif -%}
    {{ return(asked_literal('select coalesce(max(through_load_id), 0) from ' ~ builds ~ ' where is_complete')) }}
{% endmacro %}
