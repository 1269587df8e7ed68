{#-
    The 95 % interval of the difference of two proportions, treatment minus control: Newcombe (1998), Statistics in Medicine 17,
    873-890, method 10, from the Wilson bounds of each. Null when either arm is empty.
-#}
{% macro newcombe_low(control_successes, control_trials, treatment_successes, treatment_trials) %}
    {%- do return(colloquy.newcombe_bound('-', control_successes, control_trials, treatment_successes, treatment_trials)) -%}
{% endmacro %}

{% macro newcombe_high(control_successes, control_trials, treatment_successes, treatment_trials) %}
    {%- do return(colloquy.newcombe_bound('+', control_successes, control_trials, treatment_successes, treatment_trials)) -%}
{% endmacro %}

{% macro newcombe_bound(sign, control_successes, control_trials, treatment_successes, treatment_trials) %}
    {%- set p0 = '(cast(' ~ control_successes ~ ' as double) / nullif(' ~ control_trials ~ ', 0))' -%}
    {%- set p1 = '(cast(' ~ treatment_successes ~ ' as double) / nullif(' ~ treatment_trials ~ ', 0))' -%}
    {%- set near_control = wilson_high(control_successes, control_trials) if sign == '-' else wilson_low(control_successes, control_trials) -%}
    {%- set near_treatment = wilson_low(treatment_successes, treatment_trials) if sign == '-' else wilson_high(treatment_successes, treatment_trials) -%}
    {%- set control = '(' ~ p0 ~ ' - (' ~ near_control ~ '))' -%}
    {%- set treatment = '(' ~ p1 ~ ' - (' ~ near_treatment ~ '))' -%}
    {%- do return('(' ~ p1 ~ ' - ' ~ p0 ~ ' ' ~ sign ~ ' sqrt(' ~ control ~ ' * ' ~ control ~ ' + ' ~ treatment ~ ' * ' ~ treatment ~ '))') -%}
{% endmacro %}
