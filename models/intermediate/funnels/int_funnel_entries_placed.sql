-- One row per production conversation and funnel it entered: how far it came, and whether it may still come further.
{{ replace_affected('int_conversations_recomputed') }}
with

entries as (

    select * from {{ ref('int_funnel_entries_found') }}

),

stages as (

    select * from {{ ref('int_funnel_stages_defined') }}

),

reached as (

    select * from {{ ref('int_stages_reached') }}

),

conversations as (

    select conversation_key, explicit_end_at, closes_at
    from {{ ref('int_conversations') }}

),

watermarks as (

    select * from {{ ref('int_watermarks_measured') }}

),

furthest_stages as (

    select conversation_key, funnel, max(stage_order) as furthest_stage_order
    from reached
    group by conversation_key, funnel

),

-- Meetings come weeks after the chat closed: a conversation is lost only when the windows of all later stages have passed.
windows_ended as (

    select
        entries.conversation_key,
        entries.funnel,
        entries.id_namespace,
        entries.source,
        entries.entered_at,
        entries.entry_date,
        furthest_stages.furthest_stage_order,
        furthest_stages.furthest_stage_order = max(stages.last_stage_order) as is_last_reached,
        max(
            case
                when stages.stage_order > furthest_stages.furthest_stage_order
                    then {{ add_hours('entries.entered_at', 'stages.within_hours') }}
            end
        ) as windows_end_at
    from entries
    inner join furthest_stages
        on entries.conversation_key = furthest_stages.conversation_key and entries.funnel = furthest_stages.funnel
    inner join stages on entries.funnel = stages.funnel
    group by
        entries.conversation_key, entries.funnel, entries.id_namespace, entries.source, entries.entered_at,
        entries.entry_date, furthest_stages.furthest_stage_order

),

entries_placed as (

    select
        windows_ended.*,
        -- A conversation with an explicit end is not waited for, even if the end is dated after the watermark.
        greatest(
            case when conversations.explicit_end_at is null then conversations.closes_at else windows_ended.entered_at end,
            coalesce(windows_ended.windows_end_at, windows_ended.entered_at)
        ) as final_at,
        not windows_ended.is_last_reached
        and (
            (conversations.explicit_end_at is null and conversations.closes_at > watermarks.watermark_at)
            or coalesce(windows_ended.windows_end_at > watermarks.watermark_at, false)
        ) as is_in_progress
    from windows_ended
    inner join conversations on windows_ended.conversation_key = conversations.conversation_key
    inner join watermarks on windows_ended.id_namespace = watermarks.id_namespace

)

select * from entries_placed
