{#- The days an incremental run works on; on a full refresh: all. -#}
{% macro only_touched_dates(column) %}
    {%- set touched = ref('int_dates_touched') -%}
    {%- if flags.FULL_REFRESH -%}
        true
    {%- else -%}
        {{ column }} in (select touched.date from {{ touched }} as touched)
    {%- endif -%}
{% endmacro %}
