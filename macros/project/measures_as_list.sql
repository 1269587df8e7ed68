{#- Lists in the place of one row a measure: there are over a hundred, each of them read by at most a few metrics. -#}
{% macro measures_as_list(relation, measure_group) %}
    {%- set measures = [] -%}
    {%- for measure in var('measures')[measure_group] -%}
        {%- do measures.append('cast(' ~ measure ~ ' as ' ~ exact_sum_type() ~ ')') -%}
    {%- endfor %}
    select
        date, grain, hour_at, segment, segment_type, segment_value,
        '{{ measure_group }}' as measure_group, {{ as_list(measures) }} as measures
    from {{ relation }}
{%- endmacro %}

{#- Where measures_as_list puts each of them. -#}
{% macro measure_positions() %}
    {%- set rows = [] -%}
    {%- for measure_group, measures in var('measures').items() -%}
        {%- for measure in measures -%}
            {%- do rows.append("('" ~ measure_group ~ "', '" ~ measure ~ "', " ~ loop.index ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    select * from (values {{ rows | join(', ') }}) as positions (measure_group, measure_name, position)
{%- endmacro %}
