{#-
    The newest load whose counts still stand: that of the last complete build, or 0 when an operation has changed rows
    since. Such an operation may have reached into any load.
-#}
{% macro counted_through_load_id(repaired) %}
    {%- set builds = adapter.get_relation(target.database, 'state', 'builds') if execute -%}
    {%- if flags.FULL_REFRESH or not builds -%}{{ return(0) }}{%- endif -%}
    {%- set question -%}
        select case when exists (select 1 from {{ repaired }} as repaired where repaired.load_id > builds.through_load_id)
        then 0 else builds.through_load_id end
        from (select coalesce(max(through_load_id), 0) as through_load_id from {{ builds }} where is_complete) as builds
    {%- endset -%}
    {{ return(asked_literal(' '.join(question.split()))) }}
{% endmacro %}
