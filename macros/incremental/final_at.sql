{#- The UTC moment from which the normal course of things no longer changes a day's value. -#}
{% macro final_at(local_date, maturity_hours) %}
    {%- do return(add_hours(utc_start_of_date(local_date ~ " + interval '1' day"), maturity_hours)) -%}
{% endmacro %}
