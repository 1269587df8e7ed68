{#-
    How many standard errors the repeated interval of a group-sequential test reaches to either side at its end, with m treatments: the
    constant boundary of Lan and DeMets that a continuous look at Brownian motion crosses with probability alpha, by reflection.
-#}
{% macro group_sequential_half_width(treatments) %}{{ return(normal_quantile('(1.0 - 0.05 / (4.0 * ' ~ treatments ~ '))')) }}{% endmacro %}
