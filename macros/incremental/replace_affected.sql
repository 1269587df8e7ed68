{#-
    Declares an incremental model that replaces the rows of the conversations (or dates) named by the model `affected`.
    ref() here makes the dependency known when the model itself reads that set only through others.
-#}
{% macro replace_affected(affected, key='conversation_key', affected_key=none, empty_without=none) %}
    {%- do ref(affected) -%}
    {#- The days a conversation stood under must be noted before its rows are replaced. -#}
    {%- if affected == 'int_conversations_recomputed' -%}{%- do ref('int_dates_previous') -%}{%- endif -%}
    {%- set meta = {'replaces': affected, 'by': affected_key or key} -%}
    {%- if empty_without -%}{%- do meta.update({'empty_without': empty_without}) -%}{%- endif -%}
    {{ config(materialized='incremental', unique_key=key, meta=meta) }}
{%- endmacro %}

{#-
    Everything the target holds of the affected ones goes, the new rows come: delete+insert would leave behind the rows of
    a conversation that no longer has any. They are found before the old ones go, because some models read both.
-#}
{% macro replace_affected_rows(target_relation, new_rows, sql) %}
    {%- set affected = ref(config.require('meta')['replaces']) -%}
    create or replace temporary table {{ new_rows }} as (
        {{ sql }}
    );
    delete from {{ target_relation }}
    where {{ config.require('unique_key') }} in (select affected.{{ config.require('meta')['by'] }} from {{ affected }} as affected);
    insert into {{ target_relation }} by name select * from {{ new_rows }};
    drop table {{ new_rows }}
{% endmacro %}
