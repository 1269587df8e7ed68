{#- The days an incremental run works on; on a full refresh: all. -#}
{% macro only_touched_dates(column) %}
    {{- return(_only_keys_of('int_dates_touched', 'date', column)) -}}
{% endmacro %}

{#- The units of experiments an incremental run works on; on a full refresh: all. -#}
{% macro only_touched_units(column) %}
    {{- return(_only_keys_of('int_ab_test_units_touched', 'unit_key', column)) -}}
{% endmacro %}

{#- The UTC dates of exposure whose sums an incremental run states anew; on a full refresh: all. -#}
{% macro only_touched_exposure_dates(column) %}
    {{- return(_only_keys_of('int_ab_test_dates_touched', 'exposure_date', column)) -}}
{% endmacro %}

{% macro _only_keys_of(touched, key, column) %}
    {%- set relation = ref(touched) -%}
    {%- if flags.FULL_REFRESH -%}{{ return('true') }}{%- endif -%}
    {{ return(column ~ ' in (select touched.' ~ key ~ ' from ' ~ relation ~ ' as touched)') }}
{% endmacro %}
