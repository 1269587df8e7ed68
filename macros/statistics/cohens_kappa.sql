{#- Cohen's kappa of two yes-or-no judges: agreement beyond chance, 1 for full agreement. Null when both give one answer to all cases. -#}
{% macro cohens_kappa(true_positives, false_positives, false_negatives, true_negatives) %}
    {%- set tp = 'cast(' ~ true_positives ~ ' as double)' -%}
    {%- set fp = 'cast(' ~ false_positives ~ ' as double)' -%}
    {%- set fn = 'cast(' ~ false_negatives ~ ' as double)' -%}
    {%- set tn = 'cast(' ~ true_negatives ~ ' as double)' -%}
    {%- set above_chance = '2.0 * (' ~ tp ~ ' * ' ~ tn ~ ' - ' ~ fp ~ ' * ' ~ fn ~ ')' -%}
    {%- set attainable = '((' ~ tp ~ ' + ' ~ fp ~ ') * (' ~ fp ~ ' + ' ~ tn ~ ') + (' ~ tp ~ ' + ' ~ fn ~ ') * (' ~ fn ~ ' + ' ~ tn ~ '))' -%}
    {%- do return(above_chance ~ ' / nullif(' ~ attainable ~ ', 0.0)') -%}
{% endmacro %}
