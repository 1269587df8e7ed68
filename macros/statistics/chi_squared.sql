{#-
    The probability that chi-squared with whole degrees of freedom is above x, 0 to 1: the finite sums DLMF 8.4.8 and 8.4.9, each
    written out. Null for 0 degrees, for more than 15 (16 variants), and for null.
-#}
{% macro chi_squared_tail(x, degrees_of_freedom) %}
    {%- set h = '(' ~ x ~ ' / 2.0)' -%}
    {%- set sum = namespace(even='1.0', odd='0.0', even_term='1.0', odd_term='(2.0 * sqrt(' ~ h ~ ') / sqrt(pi()))', cases='') -%}
    {%- set decay = 'exp(-least(' ~ h ~ ', 700.0))' -%}
    {%- for half in range(8) -%}
        {%- if half > 0 -%}
            {%- set sum.odd = sum.odd ~ ' + ' ~ sum.odd_term -%}
            {%- set sum.odd_term = sum.odd_term ~ ' * ' ~ h ~ ' / ' ~ (half + 0.5) -%}
        {%- endif -%}
        {%- set sum.cases = sum.cases ~ ' when ' ~ (2 * half + 1) ~ ' then ' ~ normal_two_sided_p('sqrt(' ~ x ~ ')') ~ ' + ' ~ decay ~ ' * (' ~ sum.odd ~ ')' -%}
        {%- if half > 0 -%}
            {%- set sum.cases = sum.cases ~ ' when ' ~ (2 * half) ~ ' then ' ~ decay ~ ' * (' ~ sum.even ~ ')' -%}
            {%- set sum.even_term = sum.even_term ~ ' * ' ~ h ~ ' / ' ~ half ~ '.0' -%}
            {%- set sum.even = sum.even ~ ' + ' ~ sum.even_term -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return('case ' ~ degrees_of_freedom ~ sum.cases ~ ' end') -%}
{% endmacro %}
