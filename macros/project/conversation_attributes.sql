{#-
    A query with one row per conversation of a relation (by its unique conversation_key) and dimension of the configuration but that
    of variants: conversation_date, initialised_date, attribute_value, top_n, is_hourly. No value is `(none)`.
-#}
{% macro conversation_attributes(conversation_keys) %}
    select
        conversations.conversation_key,
        conversations.conversation_date,
        conversations.initialised_date,
        dimensions.dimension,
        coalesce(
            case dimensions.column_name
                when 'agent' then conversations.agent
                when 'channel' then conversations.channel
                when 'device' then conversations.device
                when 'entry_page' then {{ url_path('conversations.page_url') }}
                when 'hour_of_day' then {{ local_hour_text('coalesce(conversations.initialised_at, conversations.started_at)') }}
                when 'language' then conversations.language
                when 'model' then conversations.model
                when 'purpose' then conversations.purpose
                when 'source' then conversations.source
                when 'traffic_source' then conversations.traffic_source
            end,
            properties.property_value, '(none)'
        ) as attribute_value,
        dimensions.top_n,
        dimensions.is_hourly
    from {{ ref('int_conversations') }} as conversations
    inner join {{ conversation_keys }} as counted on conversations.conversation_key = counted.conversation_key
    cross join {{ ref('segment_dimensions') }} as dimensions
    left join {{ ref('int_conversation_properties_found') }} as properties
        on conversations.conversation_key = properties.conversation_key and dimensions.property = properties.property_name
    -- Not `is distinct from`: the engine joins that with the condition of the next query and loses the dimensions read from properties.
    where coalesce(dimensions.column_name, '') <> 'variant'
{% endmacro %}
