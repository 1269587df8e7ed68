{#-
    Wilson score interval of a proportion, at 95 % unless another z is given; null when nothing was tried. Wilson (1927), without
    continuity correction.
-#}
{% macro wilson_low(successes, trials, z='1.959963984540054') %}
    {%- do return(colloquy.wilson_bound(successes, trials, '-', z)) -%}
{% endmacro %}

{% macro wilson_high(successes, trials, z='1.959963984540054') %}
    {%- do return(colloquy.wilson_bound(successes, trials, '+', z)) -%}
{% endmacro %}

{#- Rounding at 0 and at all can leave the unit interval by 1e-17. -#}
{% macro wilson_bound(successes, trials, sign, z) %}
    {%- set s = 'cast(' ~ successes ~ ' as double)' -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as double), 0)" -%}
    {%- set centre = '(' ~ s ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / 2.0)' -%}
    {%- set half = z ~ ' * sqrt(' ~ s ~ ' * (' ~ n ~ ' - ' ~ s ~ ') / ' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / 4.0)' -%}
    {%- set bound = '(' ~ centre ~ ' ' ~ sign ~ ' ' ~ half ~ ') / (' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ')' -%}
    {%- do return('case when ' ~ s ~ ' is not null and ' ~ n ~ ' is not null then least(1.0, greatest(0.0, ' ~ bound ~ ')) end') -%}
{% endmacro %}
