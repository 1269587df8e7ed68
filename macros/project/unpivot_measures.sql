{#- One row per row and measure of a wide aggregate. Aggregates are unpivoted, never conversations: they are few. -#}
{% macro unpivot_measures(relation, measures) %}
    {%- for measure in measures %}
    select
        date, grain, hour_at, segment, segment_type, segment_value,
        '{{ measure }}' as measure_name, cast({{ measure }} as {{ exact_sum_type() }}) as measure_value
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{% endmacro %}
