{#- Whether a user stayed away for so many hours after the problem was solved; null until the watermark has passed them. -#}
{% macro stayed_away(hours, resolved_at, next_visit_at, watermark_at) -%}
    case
        when {{ add_hours(resolved_at, hours) }} <= {{ watermark_at }}
            then coalesce({{ next_visit_at }} >= {{ add_hours(resolved_at, hours) }}, true)
    end
{%- endmacro %}

{#- Whether the watermark, moved on or back, gives that another answer than the one known. -#}
{% macro is_due(resolved_at, hours, known, watermark_at) -%}
    ({{ known }} is null) = coalesce({{ add_hours(resolved_at, hours) }} <= {{ watermark_at }}, false)
{%- endmacro %}
