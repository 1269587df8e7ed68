{#-
    One arm's part of the logarithm of the sequential Dirichlet-multinomial e-value against the planned weights (concentration
    100): Lindon and Malek (2022), "Anytime-valid inference for multinomial count data". The sum over the arms with
    sample_ratio_log_e_of_total is the whole; an arm of weight 0 has no part, and must be empty.
-#}
{% macro sample_ratio_log_e_of_arm(units, weight) %}
    {%- set prior = '(100.0 * ' ~ weight ~ ')' -%}
    {%- set posterior = '(100.0 * ' ~ weight ~ ' + ' ~ units ~ ')' -%}
    {%- do return('case when ' ~ weight ~ ' > 0.0 then ' ~ log_gamma(posterior) ~ ' - ' ~ log_gamma(prior) ~ ' - ' ~ units ~ ' * ln(' ~ weight ~ ') else 0.0 end') -%}
{% endmacro %}

{% macro sample_ratio_log_e_of_total(units) %}
    {%- do return('(' ~ log_gamma('100.0') ~ ' - ' ~ log_gamma('(100.0 + ' ~ units ~ ')') ~ ')') -%}
{% endmacro %}
