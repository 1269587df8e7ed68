{#-
    The rows an incremental run works on: those of the affected conversations, no earlier than the first moment any of
    them can have. On a full refresh: everything.
-#}
{% macro only_affected(affected, occurred_at='occurred_at') %}
    {%- if flags.FULL_REFRESH -%}
        true
    {%- else -%}
        conversation_key in (select affected.conversation_key from {{ affected }} as affected)
        and {{ not_before_affected(affected, occurred_at) }}
    {%- endif -%}
{% endmacro %}

{#- For tables that carry a time but no conversation_key. -#}
{% macro not_before_affected(affected, occurred_at, first_at='first_event_at') %}
    {%- if flags.FULL_REFRESH -%}true{%- else -%}{{ occurred_at }} >= {{ earliest_start(affected, first_at) }}{%- endif -%}
{% endmacro %}

{#- Computed first and written as a literal: as a scalar subquery it would keep the engine from skipping row groups. -#}
{% macro earliest_start(affected, first_at='first_event_at') %}
    {%- if not execute -%}{{ return("timestamp '1970-01-01 00:00:00'") }}{%- endif -%}
    {{ return(asked_literal("select coalesce(min(" ~ first_at ~ "), timestamp '9999-12-31 00:00:00') from " ~ affected)) }}
{% endmacro %}
