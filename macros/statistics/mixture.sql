{#-
    The logarithm of the e-value of a normal mixture, from which evidence may be read at any look: Robbins (1970), as an
    asymptotic confidence sequence by Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52, 2613.
    `r` is the variance of the mixture in units of that of the estimate. 1 / e bounds the p-value over all looks.
-#}
{% macro mixture_log_e(z, r) %}
    {%- do return('(-0.5 * ln(1.0 + ' ~ r ~ ') + 0.5 * ' ~ z ~ ' * ' ~ z ~ ' * ' ~ r ~ ' / (1.0 + ' ~ r ~ '))') -%}
{% endmacro %}

{#- How many standard errors the interval of the same mixture reaches to either side: true at all looks together at 1 - alpha. -#}
{% macro mixture_half_width(r, alpha) %}
    {%- do return('sqrt(2.0 * (1.0 + ' ~ r ~ ') / nullif(' ~ r ~ ', 0.0) * ln(sqrt(1.0 + ' ~ r ~ ') / ' ~ alpha ~ '))') -%}
{% endmacro %}

{#- The p-value behind the logarithm of an e-value, 0 to 1: never above 1, and no underflow. -#}
{% macro p_of_log_e(log_e) %}{{ return('case when ' ~ log_e ~ ' is not null then exp(-least(greatest(' ~ log_e ~ ', 0.0), 700.0)) end') }}{% endmacro %}
