{#-
    Declares an incremental model that replaces the rows of the conversations (or dates) named by the model `touched`.
    ref() here makes the dependency known when the model itself reads that set only through others.
-#}
{% macro replace_touched(touched, key='conversation_key', touched_key=none) %}
    {%- do ref(touched) -%}
    {#- The days a conversation stood under must be noted before its rows are replaced. -#}
    {%- if touched == 'int_conversations_restated' -%}{%- do ref('int_dates_left') -%}{%- endif -%}
    {{ config(materialized='incremental', unique_key=key, meta={'replaces': touched, 'by': touched_key or key}) }}
{%- endmacro %}

{#-
    The incremental strategy behind it: everything the target holds of the touched ones goes, the new rows come.
    delete+insert would leave behind the rows of a conversation that no longer has any.
-#}
{% macro get_incremental_replace_touched_sql(arg_dict) %}
    {%- set key = config.require('unique_key') -%}
    {%- set touched_key = config.require('meta')['by'] -%}
    {%- set touched = ref(config.require('meta')['replaces']) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ key }} in (select touched.{{ touched_key }} from {{ touched }} as touched);

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}
