{#-
    The normal deviate that is as unlikely as Student's t: Hill (1970), Communications of the ACM 13, algorithm 395, whose
    expansion has died out from 20 degrees of freedom on. Null without a positive number of them.
-#}
{% macro t_as_normal(t, degrees_of_freedom) %}
    {%- set df = 'nullif(greatest(cast(' ~ degrees_of_freedom ~ ' as double), 0.0), 0.0)' -%}
    {%- set a = '(' ~ df ~ ' - 0.5)' -%}
    {%- set b = '(48.0 * ' ~ a ~ ' * ' ~ a ~ ')' -%}
    {%- set u = '(' ~ t ~ ' * ' ~ t ~ ' / ' ~ df ~ ')' -%}
    {#- ln(1 + u) of a small u has lost its digits. -#}
    {%- set y2 = '(' ~ a ~ ' * case when ' ~ u ~ ' < 0.00001 then ' ~ u ~ ' - ' ~ u ~ ' * ' ~ u ~ ' / 2.0 else ln(1.0 + ' ~ u ~ ') end)' -%}
    {%- set numerator = '(((-0.4 * ' ~ y2 ~ ' - 3.3) * ' ~ y2 ~ ' - 24.0) * ' ~ y2 ~ ' - 85.5)' -%}
    {%- do return(
        '(sqrt(' ~ y2 ~ ') * ((' ~ numerator ~ ' / (0.8 * ' ~ y2 ~ ' * ' ~ y2 ~ ' + 100.0 + ' ~ b ~ ') + ' ~ y2 ~ ' + 3.0) / ' ~ b ~ ' + 1.0))'
    ) -%}
{% endmacro %}

{#-
    The two-sided p of Student's t with few degrees of freedom, 1 to 20, whole or not (Welch): the probability of a t at least as
    far from 0. With t = sqrt(df) / tan(angle) it is an integral of sin(angle)^(df - 1), taken by Gauss and Legendre with 24
    points that stand closer together near 0. The continued fraction of the incomplete beta function gives the same value, but
    its terms are nested deeper than parsers of SQL follow. Null without degrees, and for more than 20: t_as_normal covers those.
-#}
{% macro t_of_few_two_sided_p(t, degrees_of_freedom) %}
    {%- set points = ['0.0000000139347134779102', '0.0000020174379617311537', '0.0000293969832582867901', '0.0001831753015058567875', '0.0007289758706833044050', '0.00219385324704016', '0.00544742571402815', '0.01174185650729459', '0.02269000270285618', '0.04016988120024050', '0.06615522172269497', '0.10248454178258401', '0.15059292235982444', '0.21123959440560336', '0.28426903632236405', '0.36844260274102453', '0.46137157958168057', '0.55957161054672611', '0.65864401097281633', '0.75357346688017535', '0.83911618958436152', '0.91023995421868820', '0.96256980093147393', '0.99279818819933630'] -%}
    {%- set weights = ['0.0000002143935535654500', '0.0000136660904194237363', '0.0001265238085620495033', '0.0005737775182269805666', '0.00178228016917276', '0.00436566759072417', '0.00906667967601679', '0.01665184503219444', '0.02777245357267962', '0.04281278524844953', '0.06175051802464564', '0.08405438681014510', '0.10864035662723108', '0.13390025445294498', '0.15780696074167347', '0.17808928025982523', '0.19245908072904405', '0.19886476589397775', '0.19573993846830984', '0.18221506143302382', '0.15826333671352222', '0.12475970601928986', '0.08344474380482936', '0.03684571692153898'] -%}
    {%- set df = 'cast(' ~ degrees_of_freedom ~ ' as double)' -%}
    {%- set angle = 'atan2(sqrt(' ~ df ~ '), abs(' ~ t ~ '))' -%}
    {%- set terms = [] -%}
    {%- for point in points -%}
        {%- do terms.append(weights[loop.index0] ~ ' * power(sin(' ~ angle ~ ' * ' ~ point ~ '), ' ~ df ~ ' - 1.0)') -%}
    {%- endfor -%}
    {%- set scale -%}
        exp({{ log_gamma('((' ~ df ~ ' + 1.0) / 2.0)') }} - {{ log_gamma('(' ~ df ~ ' / 2.0)') }}) / sqrt(pi())
    {%- endset -%}
    {%- do return(
        'case when ' ~ df ~ ' >= 1.0 and ' ~ df ~ ' <= 20.0 and ' ~ t ~ ' is not null then least(1.0, ' ~ scale ~ ' * ' ~ angle ~ ' * (' ~ terms | join(' + ') ~ ')) end'
    ) -%}
{% endmacro %}
