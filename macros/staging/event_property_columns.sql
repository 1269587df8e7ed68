{#- Sources say "this call failed" in three ways (is_error, success, status); a call that says nothing did not fail. -#}
{% macro event_property_columns() -%}
        lower(coalesce(nullif(trim(role), ''), nullif(trim(sender), ''), nullif(trim(actor), ''))) as role,
        seq,
        tool_name,
        nullif(lower(trim(reason)), '') as reason,
        coalesce(is_error, not success, lower(status) = 'error', false) as is_error,
        coalesce(is_write, false) as is_write,
        model,
        rating,
        lower(rating_type) as rating_type,
        lower(question_kind) as question_kind,
        goal,
        value as conversion_value,
        page_url,
        flow_name,
        coalesce(experiment_id, test_name) as experiment_name,
        variant,
        is_control,
        qualification_score,
        cast(properties as {{ dbt.type_string() }}) as properties,
        _load_id as load_id,
        _loaded_at as loaded_at
{%- endmacro %}
