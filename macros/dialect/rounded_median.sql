{#- The median of whole milliseconds, rounded so that both engines agree to the last digit. -#}
{% macro rounded_median(milliseconds) %}{{ return('round(median(' ~ milliseconds ~ '), 0)') }}{% endmacro %}
