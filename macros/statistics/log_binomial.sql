{#- ln of the number of ways to choose `chosen` of `count`, both whole and 0 <= chosen <= count. -#}
{% macro log_binomial(count, chosen) -%}
    ({{ log_gamma('(' ~ count ~ ' + 1.0)') }} - {{ log_gamma('(' ~ chosen ~ ' + 1.0)') }} - {{ log_gamma('(' ~ count ~ ' - (' ~ chosen ~ ') + 1.0)') }})
{%- endmacro %}
