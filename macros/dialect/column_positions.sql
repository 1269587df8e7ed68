{#- A query with the names of the columns of a relation but those named, column_name, and the place of each, position, from 1. -#}
{% macro column_positions(relation, without) %}{{ return(adapter.dispatch('column_positions', 'colloquy')(relation, without)) }}{% endmacro %}

{% macro default__column_positions(relation, without) %}{{ exceptions.raise_compiler_error('column_positions: not written for ' ~ target.type) }}{% endmacro %}

{#- Names come from a row of values: the outer join makes one where the relation has none. -#}
{% macro duckdb__column_positions(relation, without) %}
    select
        unnest(list_value(*columns(*))) as column_name,
        generate_subscripts(list_value(*columns(*)), 1) as position
    from (
        select alias(columns(no_rows.* exclude ({{ without | join(', ') }})))
        from (select 1 as one) as one_row
        left join (select * from {{ relation }} limit 0) as no_rows on true
    )
{%- endmacro %}
