-- One row per production conversation id whose widget was shown: what it counts for in each measure of widgets.
with

interactions as (

    select * from {{ ref('fct_interactions') }}

),

measures_taken as (

    select
        conversation_key,
        id_namespace || ':' || user_id as user_key,
        interaction_date as date,
        {{ start_of_local_hour('initialised_at') }} as hour_at,
        1 as interaction_count,
        {{ one_if('is_engaged') }} as interaction_engaged_count,
        {{ one_if('is_mature') }} as interaction_mature_count,
        {{ one_if('is_mature and not is_engaged') }} as interaction_ignored_count
    from interactions

)

select * from measures_taken
