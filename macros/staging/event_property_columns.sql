{#- Sources state a failed call in three ways (is_error, success, status); a call without any of them did not fail. -#}
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
        case
            when lower(question_kind) in ('solved', 'satisfaction') then lower(question_kind)
            when question_kind is not null then 'other'
        end as question_kind,
        goal,
        value as conversion_value,
        page_url,
        flow_name,
        coalesce(experiment_id, test_name) as experiment_name,
        variant,
        is_control,
        qualification_score,
        -- What no model reads or writes in one call, or takes for it, is a broken number.
        case when tokens_in between 0 and 1000000000 then tokens_in end as tokens_in,
        case when tokens_out between 0 and 1000000000 then tokens_out end as tokens_out,
        case when tokens_cached between 0 and 1000000000 then tokens_cached end as tokens_cached,
        case when cost_usd between 0 and 1000000 then cost_usd end as cost_usd,
        cast(properties as {{ dbt.type_string() }}) as properties,
        _load_id as load_id,
        _loaded_at as loaded_at
{%- endmacro %}
