-- One row per conversation and test it was exposed to: the first exposure.
with

variants_exposed as (

    select *, min(first_exposed_at) over (partition by conversation_key, test_name) as first_exposure_at
    from {{ ref('int_variants_exposed') }}

),

-- Two variants at the same first instant do not show which one the person saw: the unit is ambiguous, without a tie-break.
first_exposures_found as (

    select
        conversation_key,
        test_name,
        min(conversation_id) as conversation_id,
        min(id_namespace) as id_namespace,
        min_by(variant, first_sequence_number) as first_variant,
        bool_or(is_control) filter (where first_exposed_at = first_exposure_at) as is_control,
        min_by(first_exposure_event_id, first_sequence_number) as first_exposure_event_id,
        min(first_exposure_at) as first_exposure_at,
        cast(sum(exposure_count) as bigint) as exposure_count,
        count(*) as variant_count,
        count(case when first_exposed_at = first_exposure_at then 1 end) > 1 as is_ambiguous
    from variants_exposed
    group by conversation_key, test_name

)

select * from first_exposures_found
