{#- The days an incremental run works on; on a full refresh: all. -#}
{% macro only_affected_dates(column) %}
    {{- return(_only_keys_of('int_dates_affected', 'date', column)) -}}
{% endmacro %}

{#- The units of experiments an incremental run works on; on a full refresh: all. -#}
{% macro only_affected_units(column) %}
    {{- return(_only_keys_of('int_ab_test_units_affected', 'unit_key', column)) -}}
{% endmacro %}

{#- The UTC dates of exposure whose sums an incremental run recomputes; on a full refresh: all. -#}
{% macro only_affected_exposure_dates(column) %}
    {{- return(_only_keys_of('int_ab_test_dates_affected', 'exposure_date', column)) -}}
{% endmacro %}

{% macro _only_keys_of(affected, key, column) %}
    {%- set relation = ref(affected) -%}
    {%- if flags.FULL_REFRESH -%}{{ return('true') }}{%- endif -%}
    {{ return(column ~ ' in (select affected.' ~ key ~ ' from ' ~ relation ~ ' as affected)') }}
{% endmacro %}
