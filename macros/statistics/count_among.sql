{#- How many members of a set meet a condition; null of an empty set. -#}
{% macro count_among(is_member, condition) %}
    {%- do return('sum(case when ' ~ is_member ~ ' then case when ' ~ condition ~ ' then 1 else 0 end end)') -%}
{% endmacro %}
