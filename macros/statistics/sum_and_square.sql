{#- Wide enough for sums of squared milliseconds, and whole: sums of doubles differ from run to run. -#}
{% macro exact_sum_type() %}{{ return('decimal(38, 0)') }}{% endmacro %}

{#- Two columns: the sum of a whole number and the sum of its square, from which a mean and its interval come. -#}
{% macro sum_and_square(value, name) %}
    {%- set exact = 'cast(' ~ value ~ ' as decimal(18, 0))' -%}
    {%- do return('cast(coalesce(sum(' ~ exact ~ '), 0) as ' ~ exact_sum_type() ~ ') as ' ~ name ~ ', cast(coalesce(sum(' ~ exact ~ ' * ' ~ exact ~ '), 0) as ' ~ exact_sum_type() ~ ') as ' ~ name ~ '_squared') -%}
{% endmacro %}
