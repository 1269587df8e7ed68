{% macro add_hours(utc_timestamp, hours) %}{{ return(add_minutes(utc_timestamp, '(' ~ hours ~ ') * 60')) }}{% endmacro %}
