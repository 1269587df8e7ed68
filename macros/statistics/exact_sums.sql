{#- Wide enough for sums of squared milliseconds, and whole: sums of doubles differ from run to run. -#}
{% macro exact_sum_type() %}{{ return('decimal(38, 0)') }}{% endmacro %}

{#- The sum of whole numbers, 0 of nothing. -#}
{% macro exact_sum(value) %}{{ return('cast(coalesce(sum(' ~ value ~ '), 0) as ' ~ exact_sum_type() ~ ')') }}{% endmacro %}

{#- A column for each of some columns of whole numbers, of the same name: its sum. -#}
{% macro exact_sums(names) %}
    {%- set sums = [] -%}
    {%- for name in names -%}{%- do sums.append(exact_sum(name) ~ ' as ' ~ name) -%}{%- endfor -%}
    {%- do return(sums | join(',\n        ')) -%}
{% endmacro %}

{#- And a column for each of their squares, from which a mean and its interval come. Of 19 digits, because an engine may leave
    the product of two decimals of 18 no more than 18: twelve days, squared, in milliseconds. -#}
{% macro exact_sums_and_squares(names) %}
    {%- set sums = [] -%}
    {%- for name in names -%}
        {%- set exact = 'cast(' ~ name ~ ' as decimal(19, 0))' -%}
        {%- do sums.append(exact_sum(name) ~ ' as ' ~ name ~ ', ' ~ exact_sum(exact ~ ' * ' ~ exact) ~ ' as ' ~ name ~ '_squared') -%}
    {%- endfor -%}
    {%- do return(sums | join(',\n        ')) -%}
{% endmacro %}

{#- The same without the 0: null where all are null. -#}
{% macro sums_of_known(names) %}
    {%- set sums = [] -%}
    {%- for name in names -%}{%- do sums.append('sum(' ~ name ~ ') as ' ~ name) -%}{%- endfor -%}
    {%- do return(sums | join(',\n        ')) -%}
{% endmacro %}

{#- A column for each pair of them: the sum of their products. -#}
{% macro exact_sums_of_products(pairs) %}
    {%- set sums = [] -%}
    {%- for name, other in pairs -%}{%- do sums.append(exact_sum(name ~ ' * ' ~ other) ~ ' as ' ~ name ~ '_x_' ~ other) -%}{%- endfor -%}
    {%- do return(sums | join(',\n        ')) -%}
{% endmacro %}
