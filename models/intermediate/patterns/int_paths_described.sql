-- One row per conversation of int_turns_described and length: the path of its first turns, and what came next.
{{ config(materialized='table') }}
with

turns as (

    select
        *,
        lead(step) over (partition by conversation_key order by turn_number) as next_step
    from {{ ref('int_turns_described') }}

),

paths_described as (

    select
        turns.conversation_key,
        turns.user_key,
        turns.is_resolved,
        turns.is_abandoned,
        turns.turn_number as path_length,
        replace({{ ordered_text('earlier.step', 'earlier.turn_number') }}, ',', ' > ') as path,
        -- The eighth turn is the last one looked at, not the end.
        coalesce(turns.next_step, case when turns.user_message_count = turns.turn_number then 'end' end) as next_step,
        turns.next_step is null as is_whole,
        turns.step as last_step
    from turns
    inner join turns as earlier
        on turns.conversation_key = earlier.conversation_key and turns.turn_number >= earlier.turn_number
    group by
        turns.conversation_key, turns.user_key, turns.is_resolved, turns.is_abandoned, turns.turn_number, turns.next_step,
        turns.user_message_count, turns.step

)

select * from paths_described
