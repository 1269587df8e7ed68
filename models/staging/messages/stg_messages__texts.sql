-- One row per event that carries text: what of it may be published.
with

texts as (

    select *
    from {{ source('raw', 'message_texts') }}

),

redactions as (

    select source, event_id, content
    from {{ source('raw', 'message_redactions') }}

),

-- A text the redactor has not seen yet is not published, whatever step was left out.
progress as (

    select coalesce(max(through_load_id), 0) as through_load_id
    from {{ source('raw', 'redaction_progress') }}
    where redactor_version = {{ var('redactor_version') }}

),

chosen as (

    select
        texts.source,
        texts.event_id,
        texts.timestamp as occurred_at,
        case
            when {{ var('publish_raw_text') }} then texts.content
            when texts._load_id <= progress.through_load_id then coalesce(redactions.content, texts.content)
        end as content
    from texts
    cross join progress
    left join redactions on texts.source = redactions.source and texts.event_id = redactions.event_id

)

select * from chosen
