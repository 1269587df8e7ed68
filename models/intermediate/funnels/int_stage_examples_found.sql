-- One row per funnel, stage and source that can show the stage: a conversation that is an example.
{{ config(materialized='table') }}

{%- set before = relation_before('intermediate', 'int_stage_examples_found') %}
{%- set affected = ref('int_conversations_affected') %}
{#- While no example is affected, only affected conversations can add one. If an example is affected, all conversations are searched. -#}
{%- set lost = 'select count(*) from ' ~ before ~ ' where conversation_key in (select conversation_key from ' ~ affected ~ ')' %}
{%- set is_searched = (asked_literal(lost) if before else 1) ~ ' > 0' %}
with

conversations as (

    select conversation_key, source, qualification_score
    from {{ ref('int_conversations') }}
    where {{ is_searched }} or ({{ only_affected(affected, 'first_event_at') }})

),

-- An answer of no counts as measured, an answer of unknown does not. A score below the minimum counts as measured.
stages_shown as (

    select conversation_key, funnel, stage_order
    from {{ ref('int_stage_signals_found') }}
    where {{ is_searched }} or ({{ only_affected(affected) }})
    union all
    select labels.conversation_key, funnel_stages.funnel, funnel_stages.stage_order
    from {{ ref('int_stage_labels_chosen') }} as labels
    inner join {{ ref('funnel_stages') }} as funnel_stages on labels.stage = funnel_stages.signal
    where funnel_stages.signal_kind = 'label' and labels.is_reached is not null
    union all
    select conversations.conversation_key, stages.funnel, stages.stage_order
    from conversations
    inner join {{ ref('int_funnel_stages_defined') }} as stages on stages.has_score
    where conversations.qualification_score is not null

),

examples as (

    select stages_shown.funnel, stages_shown.stage_order, conversations.source, conversations.conversation_key
    from stages_shown
    inner join conversations on stages_shown.conversation_key = conversations.conversation_key
    {% if before -%}
    union all
    select funnel, stage_order, source, conversation_key
    from {{ before }}
    where not {{ is_searched }}
    {%- endif %}

)

select funnel, stage_order, source, min(conversation_key) as conversation_key
from examples
group by funnel, stage_order, source
