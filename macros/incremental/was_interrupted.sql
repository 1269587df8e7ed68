{#- Whether the build before this one did not come to its end: what it had found out but not yet used still counts. -#}
{% macro was_interrupted() %}
    {%- set builds = adapter.get_relation(target.database, 'state', 'builds') if execute -%}
    {%- if not builds -%}{{ return(false) }}{%- endif -%}
    {%- set states = run_query('select is_complete from ' ~ builds ~ ' order by build_id desc limit 2').columns[0].values() -%}
    {{ return(states | length == 2 and not states[1]) }}
{% endmacro %}
