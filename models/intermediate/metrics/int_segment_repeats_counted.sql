-- One row per compared metric and segment with users who have several conversations: how much these users count in it.
{{ config(materialized='table') }}
with

repeats as (

    select * from {{ ref('int_repeats_compared') }}

),

attributes as (

    {{ conversation_attributes('(select distinct repeats.conversation_key from ' ~ ref('int_repeats_compared') ~ ' as repeats)') }}

),

segments as (

    select
        attributes.conversation_key,
        attributes.dimension || '=' || case
            when attributes.top_n is null or ranked.attribute_value is not null then attributes.attribute_value
            else 'other'
        end as segment
    from attributes
    left join {{ ref('int_segment_values_ranked') }} as ranked
        on
            coalesce(attributes.conversation_date, attributes.initialised_date) = ranked.date
            and attributes.dimension = ranked.dimension
            and attributes.attribute_value = ranked.attribute_value

),

users as (

    select metric_name, user_key, sum(numerator) as numerator, sum(denominator) as denominator
    from repeats
    group by metric_name, user_key

),

users_in_segments as (

    select repeats.metric_name, segments.segment, repeats.user_key, sum(repeats.denominator) as denominator
    from repeats
    inner join segments on repeats.conversation_key = segments.conversation_key
    group by repeats.metric_name, segments.segment, repeats.user_key

),

repeats_counted as (

    select
        metric_name,
        'all' as segment,
        sum(denominator) as repeated_count,
        sum(denominator * denominator) as own_squared,
        sum(denominator * denominator) as own_x_whole,
        sum(numerator) as numerator,
        sum(numerator * numerator) as numerator_squared,
        sum(numerator * denominator) as numerator_x_denominator
    from users
    group by metric_name
    union all
    select
        parts.metric_name,
        parts.segment,
        sum(parts.denominator) as repeated_count,
        sum(parts.denominator * parts.denominator) as own_squared,
        sum(parts.denominator * users.denominator) as own_x_whole,
        null as numerator,
        null as numerator_squared,
        null as numerator_x_denominator
    from users_in_segments as parts
    inner join users on parts.metric_name = users.metric_name and parts.user_key = users.user_key
    group by parts.metric_name, parts.segment

)

select
    metric_name,
    segment,
    cast(repeated_count as bigint) as repeated_count,
    cast(own_squared as bigint) as own_squared,
    cast(own_x_whole as bigint) as own_x_whole,
    cast(numerator as bigint) as numerator,
    cast(numerator_squared as bigint) as numerator_squared,
    cast(numerator_x_denominator as bigint) as numerator_x_denominator
from repeats_counted
