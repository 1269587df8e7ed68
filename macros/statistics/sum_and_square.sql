{#- Wide enough for sums of squared milliseconds, and whole: sums of doubles differ from run to run. -#}
{% macro exact_sum_type() %}{{ return('decimal(38, 0)') }}{% endmacro %}

{#- The sum of whole numbers, 0 of nothing. -#}
{% macro exact_sum(value) %}{{ return('cast(coalesce(sum(' ~ value ~ '), 0) as ' ~ exact_sum_type() ~ ')') }}{% endmacro %}

{#- Two columns: the sum of a whole number and the sum of its square, from which a mean and its interval come. Of 19 digits,
    because an engine may leave the product of two decimals of 18 no more than 18: twelve days, squared, in milliseconds. -#}
{% macro sum_and_square(value, name) %}
    {%- set exact = 'cast(' ~ value ~ ' as decimal(19, 0))' -%}
    {%- do return(exact_sum(exact) ~ ' as ' ~ name ~ ', ' ~ exact_sum(exact ~ ' * ' ~ exact) ~ ' as ' ~ name ~ '_squared') -%}
{% endmacro %}
