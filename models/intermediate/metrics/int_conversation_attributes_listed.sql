-- One row per production conversation id that this run counts, dimension of the configuration and value; no value is `(none)`.
with

attributes_of_columns as (

    {{ conversation_attributes(ref('int_conversations_counted')) }}

),

-- A conversation can be in no test or in several: variants do not add up to all, and none is "(none)".
attributes_of_tests as (

    select
        conversations.conversation_key,
        conversations.conversation_date,
        conversations.initialised_date,
        dimensions.dimension,
        exposures.test_name || ':' || exposures.first_variant as attribute_value,
        dimensions.top_n,
        dimensions.is_hourly
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_counted') }} as counted on conversations.conversation_key = counted.conversation_key
    inner join {{ ref('int_first_exposures_found') }} as exposures on conversations.conversation_key = exposures.conversation_key
    inner join {{ ref('segment_dimensions') }} as dimensions on dimensions.column_name = 'variant'
    where not exposures.is_ambiguous

),

attributes_listed as (

    select * from attributes_of_columns
    union all
    select * from attributes_of_tests

)

select * from attributes_listed
