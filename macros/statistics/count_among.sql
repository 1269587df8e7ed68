{#- 1 where a condition holds, else 0. -#}
{% macro one_if(condition) %}{{ return('case when ' ~ condition ~ ' then 1 else 0 end') }}{% endmacro %}

{#- The same of a member of a set; null of others. -#}
{% macro one_among(is_member, condition) %}{{ return('case when ' ~ is_member ~ ' then ' ~ one_if(condition) ~ ' end') }}{% endmacro %}

{#- How many members of a set meet a condition; null of an empty set. -#}
{% macro count_among(is_member, condition) %}{{ return('sum(' ~ one_among(is_member, condition) ~ ')') }}{% endmacro %}
