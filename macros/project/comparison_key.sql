{#-
    What variants are compared on: one metric of one phase of a test within one segment. The length of what a sender names
    freely stands before it, so that no two comparisons share a key.
-#}
{% macro comparison_key(test_name, phase, metric, segment) -%}
    {{ phase }} || ':' || length({{ test_name }}) || ':' || {{ test_name }} || ':' || length({{ metric }}) || ':' || {{ metric }} || ':' || {{ segment }}
{%- endmacro %}
