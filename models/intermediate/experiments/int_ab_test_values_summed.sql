-- One row per test, phase, metric, dimension, value, variant and UTC date of exposure: what units first exposed on it add up to.
{{ replace_affected('int_ab_test_dates_affected', key='exposure_date', empty_without='int_ab_tests_listed') }}
with

outcomes as (

    select *, is_mature and coalesce(abs(outcome) < 1e10, false) as is_known
    from {{ ref('int_ab_test_outcomes_measured') }}
    where {{ only_affected_exposure_dates('exposure_date') }}

),

-- Attributes of a unit are those of its first exposed conversation.
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
    where units.is_counted and {{ only_affected_exposure_dates('units.exposure_date') }}

),

-- What was known before the exposure. The agent and the model that answer are often what the test changes.
attributes as (

    select
        units.test_name,
        units.phase,
        units.unit_key,
        dimensions.dimension,
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

-- All segments of all metrics would give a false positive in every test: only the primary metric is split by segment.
outcomes_by_value as (

    select outcomes.*, 'all' as dimension, 'all' as attribute_value
    from outcomes
    union all
    select outcomes.*, attributes.dimension, attributes.attribute_value
    from outcomes
    inner join {{ ref('int_ab_test_metrics_listed') }} as metrics
        on
            outcomes.test_name = metrics.test_name and outcomes.phase = metrics.phase
            and outcomes.metric = metrics.metric and metrics.is_primary
    inner join attributes
        on
            outcomes.test_name = attributes.test_name and outcomes.phase = attributes.phase
            and outcomes.unit_key = attributes.unit_key

),

-- Decimals, because sums of doubles differ in their last digit from run to run and each run would publish a new version.
-- A unit without a measured outcome adds to no sum. A unit with an implausible amount adds to none either: its square would not fit.
-- 19 digits, because some engines limit the product of two decimals of 18 digits to 18 digits.
values_named as (

    select
        *,
        cast(case when is_known then outcome end as decimal(19, 6)) as y,
        cast(case when is_known then session_count end as decimal(19, 6)) as m,
        cast(case when is_known then least(1e10, greatest(-1e10, covariate)) end as decimal(19, 6)) as x,
        cast(case when is_known then covariate_session_count end as decimal(19, 6)) as n
    from outcomes_by_value

),

values_summed as (

    select
        test_name,
        phase,
        metric,
        dimension,
        attribute_value,
        variant,
        exposure_date,
        count(*) as counted_units,
        count(case when is_mature then 1 end) as exposed_units,
        count(y) as unit_count,
        count(case when y > 0 then 1 end) as converted_units,
        {{ sums_of_units('sum(PRODUCT)') }}
    from values_named
    group by test_name, phase, metric, dimension, attribute_value, variant, exposure_date

)

select * from values_summed
