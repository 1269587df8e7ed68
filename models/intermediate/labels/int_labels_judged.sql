-- One row per published support conversation and stage that a classifier has labelled, with the answer of a person.
with

labels as (

    select * from {{ ref('int_stage_labels_chosen') }}

),

-- The stages are those of a support conversation: labels of sales conversations are in no funnel.
conversations as (

    select conversation_key
    from {{ ref('fct_conversations') }}
    where purpose = 'support'

),

sources as (

    select source, id_namespace
    from {{ ref('sources') }}

),

human_labels_ranked as (

    select
        human_labels.stage,
        human_labels.is_reached,
        human_labels.content_hash,
        sources.id_namespace || ':' || human_labels.conversation_id as conversation_key,
        row_number() over (
            partition by sources.id_namespace, human_labels.conversation_id, human_labels.stage
            order by human_labels.load_id desc, human_labels.source asc
        ) as answers_later
    from {{ ref('stg_ledger__human_labels') }} as human_labels
    inner join sources on human_labels.source = sources.source

),

-- Every labelling has a row for every stage: one of them stands for it.
labellings_ranked as (

    select
        labellings.content_hash,
        sources.id_namespace || ':' || labellings.conversation_id as conversation_key,
        row_number() over (
            partition by sources.id_namespace, labellings.conversation_id
            order by labellings.load_id desc, labellings.labelled_at desc, labellings.source asc
        ) as labellings_later
    from {{ ref('stg_ledger__stage_labels') }} as labellings
    inner join sources on labellings.source = sources.source
    where labellings.stage = 'resolved'

),

-- A conversation that has grown since is not compared: the person has not seen the content that the classifier labelled.
human_labels_current as (

    select human_labels_ranked.conversation_key, human_labels_ranked.stage, human_labels_ranked.is_reached
    from human_labels_ranked
    inner join labellings_ranked
        on
            human_labels_ranked.conversation_key = labellings_ranked.conversation_key
            and human_labels_ranked.content_hash = labellings_ranked.content_hash
    where human_labels_ranked.answers_later = 1 and labellings_ranked.labellings_later = 1

),

labels_judged as (

    select
        labels.conversation_key,
        labels.stage,
        labels.classifier_kind,
        labels.definition_hash,
        labels.is_reached is null as is_unknown,
        coalesce(labels.is_reached, false) as is_reached,
        human_labels_current.is_reached as is_reached_by_human
    from labels
    inner join conversations on labels.conversation_key = conversations.conversation_key
    left join human_labels_current
        on
            labels.conversation_key = human_labels_current.conversation_key
            and labels.stage = human_labels_current.stage

)

select * from labels_judged
