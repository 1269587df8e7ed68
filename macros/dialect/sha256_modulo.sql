{% macro sha256_modulo(text, divisor) %}{{ return(adapter.dispatch('sha256_modulo', 'colloquy')(text, divisor)) }}{% endmacro %}

{% macro default__sha256_modulo(text, divisor) %}{{ exceptions.raise_compiler_error('sha256_modulo: not written for ' ~ target.type) }}{% endmacro %}

{#- Horner over eight chunks of 32 bits: no engine has a whole number of 256 bits, and the last bits alone are another number. -#}
{% macro duckdb__sha256_modulo(text, divisor) %}
    {%- set rest = namespace(sql='0') -%}
    {%- for chunk in range(8) -%}
        {%- set word = "cast('0x' || substr(sha256(" ~ text ~ "), " ~ (8 * chunk + 1) ~ ", 8) as bigint)" -%}
        {%- set rest.sql = '((' ~ rest.sql ~ ' * 4294967296 + ' ~ word ~ ') % ' ~ divisor ~ ')' -%}
    {%- endfor -%}
    {%- do return(rest.sql) -%}
{% endmacro %}
