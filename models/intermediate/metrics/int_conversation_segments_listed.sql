-- One row per production conversation id that this run counts, segment it belongs to and grain (day, hour) of counting.
{{ config(materialized='table') }}
with

conversations as (

    select * from {{ ref('int_conversations_counted') }}

),

values_ranked as (

    select * from {{ ref('int_segment_values_ranked') }}

),

attributes_limited as (

    select
        attributes.conversation_key,
        attributes.dimension,
        attributes.is_hourly,
        case
            when attributes.top_n is null or values_ranked.attribute_value is not null then attributes.attribute_value
            else 'other'
        end as attribute_value
    from {{ ref('int_conversation_attributes_listed') }} as attributes
    left join values_ranked
        on
            coalesce(attributes.conversation_date, attributes.initialised_date) = values_ranked.date
            and attributes.dimension = values_ranked.dimension
            and attributes.attribute_value = values_ranked.attribute_value

),

segments_listed as (

    select conversation_key, 'all' as segment, 'all' as segment_type, 'all' as segment_value, true as is_hourly
    from conversations
    union all
    select
        conversation_key,
        dimension || '=' || attribute_value as segment,
        dimension as segment_type,
        attribute_value as segment_value,
        is_hourly
    from attributes_limited

),

segments_by_grain as (

    select conversation_key, segment, segment_type, segment_value, 'day' as grain
    from segments_listed
    union all
    select conversation_key, segment, segment_type, segment_value, 'hour' as grain
    from segments_listed
    where is_hourly

)

select * from segments_by_grain
