{% macro log_gamma(x) %}{{ return(adapter.dispatch('log_gamma', 'colloquy')(x)) }}{% endmacro %}

{#-
    Stirling's series (DLMF 5.11.1) at x + 8, taken back by the recurrence: every engine has ln. Largest relative error
    5e-13 where ln Gamma is not near its zeros at 1 and 2, and the same absolutely there.
-#}
{% macro default__log_gamma(x) %}
    {%- set s = '(' ~ x ~ ' + 8.0)' -%}
    {%- set product -%}
        {% for step in range(8) %}({{ x }} + {{ step }}.0){{ ' * ' if not loop.last }}{% endfor %}
    {%- endset -%}
    {%- set series -%}
        ({{ s }} - 0.5) * ln({{ s }}) - {{ s }} + 0.9189385332046727 + 1.0 / (12.0 * {{ s }})
        - 1.0 / (360.0 * {{ s }} * {{ s }} * {{ s }}) + 1.0 / (1260.0 * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }})
        - 1.0 / (1680.0 * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }})
        + 1.0 / (1188.0 * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }} * {{ s }})
    {%- endset -%}
    {%- do return('(' ~ series ~ ' - ln(' ~ product ~ '))') -%}
{% endmacro %}

{% macro duckdb__log_gamma(x) %}{{ return('lgamma(' ~ x ~ ')') }}{% endmacro %}
