-- One row per production conversation id whose widget was shown, used or not.
{{ replace_affected('int_conversations_recomputed') }}
with

conversations as (

    select conversations.*
    from {{ ref('int_conversations') }} as conversations
    inner join {{ ref('int_conversations_recomputed') }} as recomputed on conversations.conversation_key = recomputed.conversation_key
    where conversations.initialised_at is not null and conversations.environment = 'production'

),

watermarks as (

    select * from {{ ref('int_watermarks_measured') }}

),

interactions_stated as (

    select
        conversations.conversation_key,
        conversations.conversation_id,
        conversations.id_namespace,
        conversations.user_id,
        conversations.source,
        conversations.agent,
        conversations.channel,
        conversations.device,
        conversations.language,
        conversations.traffic_source,
        {{ url_path('conversations.page_url') }} as entry_page,
        conversations.initialised_date as interaction_date,
        conversations.initialised_at,
        conversations.is_engaged,
        {{ milliseconds_between('conversations.initialised_at', 'conversations.engaged_at') }} as time_to_engage_ms,
        {{ add_hours('conversations.initialised_at', 24) }} <= watermarks.watermark_at as is_mature
    from conversations
    inner join watermarks on conversations.id_namespace = watermarks.id_namespace

)

select * from interactions_stated
