{#- One test for all columns of a model that may never be null: every test is a node that costs time in every run. -#}
{% test never_null(model, columns) %}
select *
from {{ model }}
where
    false
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
