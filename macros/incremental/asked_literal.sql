{#-
    The answer to a question, written into the SQL as a literal behind the question itself: a later run whose SQL is
    otherwise the same asks again and puts the new answer there (orchestration/building/replay.py).
-#}
{% macro asked_literal(question) %}
    {%- set answer = run_query(question).columns[0].values()[0] -%}
    {%- set literal = answer | int if answer is number else "timestamp '" ~ answer ~ "'" -%}
    {{ return('/* asked: ' ~ question ~ ' */ ' ~ literal) }}
{% endmacro %}
