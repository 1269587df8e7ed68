{#- A number as a sentence shows it, with so many digits behind the point; limited to 10^15. -#}
{% macro number_text(x, digits) %}
    {%- set kept = 'least(greatest(' ~ x ~ ', -1e15), 1e15)' -%}
    {%- do return('case when ' ~ x ~ ' is not null then cast(cast(' ~ kept ~ ' as decimal(38, ' ~ digits ~ ')) as varchar) end') -%}
{% endmacro %}

{#- A rate in percent, a difference of rates in points, anything else as it is. -#}
{% macro amount_text(x, is_rate, unit) %}
    {%- do return("case when " ~ is_rate ~ " then " ~ number_text('100.0 * ' ~ x, 2) ~ " || '" ~ unit ~ "' else " ~ number_text(x, 2) ~ " end") -%}
{% endmacro %}
