{#-
    The 0.975 quantile of Student's t: exact for 1 and 2 degrees of freedom, from 3 on by the expansion around the normal
    quantile (Abramowitz and Stegun 26.7.5); largest error 0.0039 at 3, under 0.0004 from 5 on.
-#}
{% macro t_quantile_975(degrees_of_freedom) %}
    {%- set df = 'nullif(cast(' ~ degrees_of_freedom ~ ' as double), 0)' -%}
    {%- set expansion -%}
        1.959963984540054 + 2.372271 / {{ df }} + 2.822502 / ({{ df }} * {{ df }})
        + 2.555850 / ({{ df }} * {{ df }} * {{ df }}) + 1.589537 / ({{ df }} * {{ df }} * {{ df }} * {{ df }})
    {%- endset -%}
    {%- do return('case ' ~ degrees_of_freedom ~ ' when 1 then 12.706204736432095 when 2 then 4.302652729911275 else ' ~ expansion ~ ' end') -%}
{% endmacro %}
