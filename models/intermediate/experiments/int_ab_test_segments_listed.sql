-- One row per test, phase, counted unit and segment its first exposed conversation belongs to.
with

units as (

    select
        units.test_name,
        units.phase,
        units.unit_key,
        conversations.channel,
        conversations.device,
        conversations.language,
        conversations.source,
        {{ url_path('conversations.page_url') }} as entry_page
    from {{ ref('int_ab_test_units_found') }} as units
    inner join {{ ref('int_conversations') }} as conversations on units.first_conversation_key = conversations.conversation_key
    where units.is_counted

),

-- What was known before the exposure. The agent and the model that answer are often what the test changes.
attributes as (

    select
        units.test_name,
        units.phase,
        units.unit_key,
        dimensions.dimension,
        dimensions.top_n,
        coalesce(
            case dimensions.column_name
                when 'channel' then units.channel
                when 'device' then units.device
                when 'language' then units.language
                when 'source' then units.source
                when 'entry_page' then units.entry_page
            end, '(none)'
        ) as attribute_value
    from units
    cross join {{ ref('segment_dimensions') }} as dimensions
    where dimensions.column_name in ('channel', 'device', 'language', 'source', 'entry_page')

),

values_ranked as (

    select
        test_name,
        phase,
        dimension,
        attribute_value,
        row_number() over (partition by test_name, phase, dimension order by count(*) desc, attribute_value) as value_rank
    from attributes
    group by test_name, phase, dimension, attribute_value

),

segments_listed as (

    select
        attributes.test_name,
        attributes.phase,
        attributes.unit_key,
        attributes.dimension || '=' || case
            when attributes.top_n is null or values_ranked.value_rank <= attributes.top_n then attributes.attribute_value
            else 'other'
        end as segment
    from attributes
    inner join values_ranked
        on
            attributes.test_name = values_ranked.test_name and attributes.phase = values_ranked.phase
            and attributes.dimension = values_ranked.dimension and attributes.attribute_value = values_ranked.attribute_value

)

select * from segments_listed
