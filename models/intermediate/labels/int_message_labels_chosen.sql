-- One row per labelled customer message of the conversations this run works on: its newest labels.
{{ config(materialized='table') }}

{%- set affected = ref('int_conversations_affected') %}
with

sources as (

    select source, id_namespace
    from {{ ref('sources') }}

),

-- An event is dated a day after it lands at most, and labelled later: no label of these conversations is older.
labels as (

    select *
    from {{ ref('stg_ledger__message_labels') }}
    {% if not flags.FULL_REFRESH -%}
    where labelled_at >= {{ earliest_start(affected) }} - interval '2' day
    {%- endif %}

),

labels_ranked as (

    select
        labels.*,
        sources.id_namespace || ':' || labels.conversation_id as conversation_key,
        row_number() over (
            partition by labels.source, labels.event_id
            order by labels.load_id desc, labels.labelled_at desc, labels.conversation_id asc
        ) as labels_later
    from labels
    inner join sources on labels.source = sources.source

),

labels_chosen as (

    select
        conversation_key,
        source,
        event_id,
        sentiment,
        intent,
        objection,
        escalation_reason,
        dropoff_reason,
        rephrase_similarity,
        is_rephrase,
        is_repeat,
        is_courtesy
    from labels_ranked
    where
        labels_later = 1
        {% if not flags.FULL_REFRESH -%}
        and conversation_key in (select affected.conversation_key from {{ affected }} as affected)
        {%- endif %}

)

select * from labels_chosen
