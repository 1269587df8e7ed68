{#-
    Called by dbt. The one that dbt-duckdb ships lets DuckDB guess quotes and formats: it takes 'a' for a. Python has checked
    the rows of the file as this statement reads them.
-#}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {%- set sql -%}
        copy {{ this.render() }} from '{{ adapter.get_seed_file_path(model) }}'
        (format csv, header true, delimiter ',', quote '"', escape '"', auto_detect false)
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{% endmacro %}
