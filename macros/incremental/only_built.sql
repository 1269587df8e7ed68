{#-
    For data tests: the rows that an incremental run has made, of the affected conversations or dates. SQL that is true of
    every row, with the condition behind it: orchestration/building/data_tests.py puts it there when only those are tested.
-#}
{% macro only_built(affected, key='conversation_key', affected_key=none) %}
    {{- return('true -- built: ' ~ key ~ ' in (select affected.' ~ (affected_key or key) ~ ' from ' ~ affected ~ ' as affected)\n') -}}
{% endmacro %}

{#- The same for what grows by loads: the rows of those that no complete build has covered. -#}
{% macro only_landed(load_id) %}
    {%- set builds = api.Relation.create(target.database, 'state', 'builds') -%}
    {%- set question = 'select coalesce(max(through_load_id), 0) from ' ~ builds ~ ' where is_complete' -%}
    {{- return('true -- built: ' ~ load_id ~ ' > /* asked: ' ~ question ~ ' */ 0\n') -}}
{% endmacro %}
