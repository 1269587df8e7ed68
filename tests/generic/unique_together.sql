{#- The rows whose values in `columns` occur more than once: the grain of a model whose key has several columns. -#}
{% test unique_together(model, columns) %}

select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
