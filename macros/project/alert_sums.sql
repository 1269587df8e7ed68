{#- The sums over hours that the value and the squared error of a window are made of. -#}
{% macro alert_sums(relation) %}
    {%- set sums = [] -%}
    {%- for name in ['numerator', 'denominator', 'numerator_squared', 'denominator_squared', 'product_sum', 'cluster_count'] -%}
        {%- do sums.append('cast(sum(' ~ relation ~ '.' ~ name ~ ') as double) as ' ~ name) -%}
    {%- endfor -%}
    {%- do return(sums | join(', ')) -%}
{% endmacro %}
