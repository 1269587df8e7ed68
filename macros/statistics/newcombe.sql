{#-
    The interval of the difference of two proportions, treatment minus control, at 95 % unless another z is given: Newcombe (1998),
    Statistics in Medicine 17, 873-890, method 10, from the Wilson bounds of each. Null when either arm is empty.
-#}
{% macro newcombe_low(control_successes, control_trials, treatment_successes, treatment_trials, z='1.959963984540054') %}
    {%- do return(colloquy.newcombe_bound('-', control_successes, control_trials, treatment_successes, treatment_trials, z)) -%}
{% endmacro %}

{% macro newcombe_high(control_successes, control_trials, treatment_successes, treatment_trials, z='1.959963984540054') %}
    {%- do return(colloquy.newcombe_bound('+', control_successes, control_trials, treatment_successes, treatment_trials, z)) -%}
{% endmacro %}

{% macro newcombe_bound(sign, control_successes, control_trials, treatment_successes, treatment_trials, z) %}
    {%- set p0 = '(cast(' ~ control_successes ~ ' as double) / nullif(' ~ control_trials ~ ', 0))' -%}
    {%- set p1 = '(cast(' ~ treatment_successes ~ ' as double) / nullif(' ~ treatment_trials ~ ', 0))' -%}
    {%- set near_control = wilson_high(control_successes, control_trials, z) if sign == '-' else wilson_low(control_successes, control_trials, z) -%}
    {%- set near_treatment = wilson_low(treatment_successes, treatment_trials, z) if sign == '-' else wilson_high(treatment_successes, treatment_trials, z) -%}
    {%- set control = '(' ~ p0 ~ ' - (' ~ near_control ~ '))' -%}
    {%- set treatment = '(' ~ p1 ~ ' - (' ~ near_treatment ~ '))' -%}
    {%- do return('(' ~ p1 ~ ' - ' ~ p0 ~ ' ' ~ sign ~ ' sqrt(' ~ control ~ ' * ' ~ control ~ ' + ' ~ treatment ~ ' * ' ~ treatment ~ '))') -%}
{% endmacro %}
