-- One row per date, dimension with a top_n and value that is among the top of the day.
{{ replace_affected('int_dates_affected', key='date') }}
with

attributes as (

    select coalesce(conversation_date, initialised_date) as date, dimension, attribute_value, top_n
    from {{ ref('int_conversation_attributes_listed') }}
    where
        top_n is not null
        and coalesce(conversation_date, initialised_date) is not null
        and {{ only_affected_dates('coalesce(conversation_date, initialised_date)') }}

),

values_counted as (

    select date, dimension, attribute_value, top_n, count(*) as conversation_count
    from attributes
    group by date, dimension, attribute_value, top_n

),

values_ranked as (

    select
        date,
        dimension,
        attribute_value,
        top_n,
        row_number() over (partition by date, dimension order by conversation_count desc, attribute_value asc) as value_rank
    from values_counted

)

select date, dimension, attribute_value from values_ranked
where value_rank <= top_n
