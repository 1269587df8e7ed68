{% macro milliseconds_between(earlier, later) %}{{ return(adapter.dispatch('milliseconds_between', 'colloquy')(earlier, later)) }}{% endmacro %}

{% macro default__milliseconds_between(earlier, later) %}{{ exceptions.raise_compiler_error('milliseconds_between: not written for ' ~ target.type) }}{% endmacro %}

{#- Not date_diff: it counts the boundaries crossed, so 0.9 s to 1.1 s would be a second. -#}
{% macro duckdb__milliseconds_between(earlier, later) %}
    {%- do return("((epoch_us(" ~ later ~ ") - epoch_us(" ~ earlier ~ ")) // 1000)") -%}
{% endmacro %}
