-- One row per stage and kind of classifier, or all: its labels, and how those that a person judged agree with the person.
with

labels_judged as (

    select * from {{ ref('int_labels_judged') }}

),

labels_grouped as (

    select stage, 'all' as classifier, definition_hash, is_unknown, is_reached, is_reached_by_human
    from labels_judged
    union all
    select stage, classifier_kind as classifier, definition_hash, is_unknown, is_reached, is_reached_by_human
    from labels_judged

),

judgements_counted as (

    select
        stage,
        classifier,
        case when min(definition_hash) = max(definition_hash) then min(definition_hash) end as definition_hash,
        count(*) as labelled_conversations,
        sum(case when is_reached then 1 else 0 end) as reached_conversations,
        sum(case when is_unknown then 1 else 0 end) as unknown_conversations,
        count(is_reached_by_human) as sample_size,
        sum(case when is_reached and is_reached_by_human then 1 else 0 end) as true_positives,
        sum(case when is_reached and not is_reached_by_human then 1 else 0 end) as false_positives,
        sum(case when not is_reached and is_reached_by_human then 1 else 0 end) as false_negatives,
        sum(case when not is_reached and not is_reached_by_human then 1 else 0 end) as true_negatives
    from labels_grouped
    group by stage, classifier

)

select
    stage,
    classifier,
    definition_hash,
    labelled_conversations,
    sample_size,
    cast(reached_conversations as bigint) as reached_conversations,
    cast(unknown_conversations as bigint) as unknown_conversations,
    cast(true_positives as bigint) as true_positives,
    cast(false_positives as bigint) as false_positives,
    cast(false_negatives as bigint) as false_negatives,
    cast(true_negatives as bigint) as true_negatives,
    cast(true_positives + false_negatives as bigint) as positives,
    cast(true_negatives + false_positives as bigint) as negatives
from judgements_counted
