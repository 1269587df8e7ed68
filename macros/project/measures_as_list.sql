{#- What a wide aggregate is counted by; every other column is a measure. -#}
{% macro measure_keys() %}{{ return(['date', 'grain', 'hour_at', 'segment', 'segment_type', 'segment_value']) }}{% endmacro %}

{#- What the measures of one conversation are known by. -#}
{% macro taken_measure_keys() %}{{ return(['conversation_key', 'user_key', 'date', 'hour_at']) }}{% endmacro %}

{#- Lists in the place of one row a measure: there are over a hundred, each of them read by at most a few metrics. -#}
{% macro measures_as_list(relation, measure_group, keys=measure_keys()) %}
    select
        {{ keys | join(', ') }},
        '{{ measure_group }}' as measure_group,
        {{ columns_as_list(keys, exact_sum_type()) }} as measures
    from {{ relation }}
{%- endmacro %}

{#- Where measures_as_list puts each of them. -#}
{% macro measure_positions(relation, measure_group, keys=measure_keys()) %}
    select '{{ measure_group }}' as measure_group, column_name as measure_name, position
    from ({{ column_positions(relation, keys) }}) as columns_numbered
{%- endmacro %}
