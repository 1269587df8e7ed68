{#-
    The true rate, estimated from the rate of an imperfect classifier (Rogan and Gladen 1978), within 0 and 1. Null when the classifier
    is no better than chance, and when a sample without a yes or without a no leaves one of its two error rates unknown.
-#}
{% macro rogan_gladen(reached, total, true_positives, positives, true_negatives, negatives) %}
    {%- set youden = colloquy.youden_times_counts(true_positives, positives, true_negatives, negatives) -%}
    {%- set all = 'nullif(cast(' ~ total ~ ' as double), 0.0)' -%}
    {%- set false_alarms = '(' ~ negatives ~ ' - ' ~ true_negatives ~ ')' -%}
    {%- set rate = '(cast(' ~ reached ~ ' as double) * ' ~ negatives ~ ' - ' ~ false_alarms ~ ' * ' ~ all ~ ') * ' ~ positives ~ ' / (' ~ all ~ ' * nullif(' ~ youden ~ ', 0))' -%}
    {%- do return('case when ' ~ youden ~ ' > 0 and ' ~ all ~ ' is not null then least(1.0, greatest(0.0, ' ~ rate ~ ')) end') -%}
{% endmacro %}

{#-
    Its 95 % interval, which counts the uncertainty of sensitivity and specificity: Lang and Reiczigel (2014), Preventive
    Veterinary Medicine 113, 13-22. Widened to hold the rate itself where their adjustment of small samples moves past it.
-#}
{% macro rogan_gladen_low(reached, total, true_positives, positives, true_negatives, negatives) %}
    {%- do return(colloquy.rogan_gladen_bound('-', 'least', reached, total, true_positives, positives, true_negatives, negatives)) -%}
{% endmacro %}

{% macro rogan_gladen_high(reached, total, true_positives, positives, true_negatives, negatives) %}
    {%- do return(colloquy.rogan_gladen_bound('+', 'greatest', reached, total, true_positives, positives, true_negatives, negatives)) -%}
{% endmacro %}

{#-
    Where the adjusted sensitivity and specificity are no better than chance, the interval is the whole of 0 to 1. Counts are
    doubles here: literals combined with whole numbers would make decimals, which overflow.
-#}
{% macro rogan_gladen_bound(sign, widest, reached, total, true_positives, positives, true_negatives, negatives) %}
    {%- set z = '1.959963984540054' -%}
    {%- set estimate = colloquy.rogan_gladen(reached, total, true_positives, positives, true_negatives, negatives) -%}
    {%- set n = '(cast(' ~ total ~ ' as double) + ' ~ z ~ ' * ' ~ z ~ ')' -%}
    {%- set p = '((cast(' ~ reached ~ ' as double) + ' ~ z ~ ' * ' ~ z ~ ' / 2.0) / ' ~ n ~ ')' -%}
    {%- set yes = '(cast(' ~ positives ~ ' as double) + 2.0)' -%}
    {%- set no = '(cast(' ~ negatives ~ ' as double) + 2.0)' -%}
    {%- set se = '((cast(' ~ true_positives ~ ' as double) + 1.0) / ' ~ yes ~ ')' -%}
    {%- set sp = '((cast(' ~ true_negatives ~ ' as double) + 1.0) / ' ~ no ~ ')' -%}
    {%- set youden = '(' ~ se ~ ' + ' ~ sp ~ ' - 1.0)' -%}
    {%- set centre = '((' ~ p ~ ' + ' ~ sp ~ ' - 1.0) / ' ~ youden ~ ')' -%}
    {%- set se_variance = '(' ~ se ~ ' * (1.0 - ' ~ se ~ ') / ' ~ yes ~ ')' -%}
    {%- set sp_variance = '(' ~ sp ~ ' * (1.0 - ' ~ sp ~ ') / ' ~ no ~ ')' -%}
    {%- set shift = '2.0 * ' ~ z ~ ' * ' ~ z ~ ' * (' ~ centre ~ ' * ' ~ se_variance ~ ' - (1.0 - ' ~ centre ~ ') * ' ~ sp_variance ~ ')' -%}
    {%- set variance -%}
        {{ p }} * (1.0 - {{ p }}) / {{ n }} + {{ centre }} * {{ centre }} * {{ se_variance }} + (1.0 - {{ centre }}) * (1.0 - {{ centre }}) * {{ sp_variance }}
    {%- endset -%}
    {%- set bound = centre ~ ' + ' ~ shift ~ ' ' ~ sign ~ ' ' ~ z ~ ' * sqrt(' ~ variance ~ ') / ' ~ youden -%}
    {%- set nothing_known = '0.0' if sign == '-' else '1.0' -%}
    {%- do return(
        'case when ' ~ estimate ~ ' is null then null when ' ~ youden ~ ' <= 1e-9 then ' ~ nothing_known
        ~ ' else ' ~ widest ~ '(' ~ estimate ~ ', least(1.0, greatest(0.0, ' ~ bound ~ '))) end'
    ) -%}
{% endmacro %}

{#- Sensitivity plus specificity minus 1, times the two counts they were measured on: whole, so that chance is exactly 0. -#}
{% macro youden_times_counts(true_positives, positives, true_negatives, negatives) %}
    {%- do return('(' ~ true_positives ~ ' * ' ~ negatives ~ ' + ' ~ true_negatives ~ ' * ' ~ positives ~ ' - ' ~ positives ~ ' * ' ~ negatives ~ ')') -%}
{% endmacro %}
