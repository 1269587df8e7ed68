{#- The last digits of a sum of doubles depend on the order of its terms: two builds of the same rows may differ there. -#}
{% macro differs(left, right) -%}
    (
        ({{ left }} is null) <> ({{ right }} is null)
        or abs({{ left }} - {{ right }}) > 1e-9 * greatest(abs({{ left }}), abs({{ right }}))
    )
{%- endmacro %}
