-- One row per production conversation id that this run counts, dimension of the configuration and value; no value is `(none)`.
with

conversations as (

    select conversations.*
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_counted') }} as counted on conversations.conversation_key = counted.conversation_key

),

segment_dimensions as (

    select * from {{ ref('segment_dimensions') }}

),

properties as (

    select * from {{ ref('int_conversation_properties_found') }}

),

exposures as (

    select *
    from {{ ref('int_first_exposures_found') }}
    where not is_ambiguous

),

attributes_of_columns as (

    select
        conversations.conversation_key,
        conversations.conversation_date,
        conversations.initialised_date,
        segment_dimensions.dimension,
        coalesce(
            case segment_dimensions.column_name
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
        segment_dimensions.top_n,
        segment_dimensions.is_hourly
    from conversations
    cross join segment_dimensions
    left join properties
        on conversations.conversation_key = properties.conversation_key and segment_dimensions.property = properties.property_name
    -- Not `is distinct from`: the engine joins that with the condition of the next CTE and loses the dimensions read from properties.
    where coalesce(segment_dimensions.column_name, '') <> 'variant'

),

-- A conversation can be in no test or in several: variants do not add up to all, and none is "(none)".
attributes_of_tests as (

    select
        conversations.conversation_key,
        conversations.conversation_date,
        conversations.initialised_date,
        segment_dimensions.dimension,
        exposures.test_name || ':' || exposures.first_variant as attribute_value,
        segment_dimensions.top_n,
        segment_dimensions.is_hourly
    from conversations
    inner join exposures on conversations.conversation_key = exposures.conversation_key
    inner join segment_dimensions on segment_dimensions.column_name = 'variant'

),

attributes_listed as (

    select * from attributes_of_columns
    union all
    select * from attributes_of_tests

)

select * from attributes_listed
