-- One row per stage and classifier: how far its labels can be trusted, and their rate corrected for errors.
with

labels_grouped as (

    select stage, 'all' as classifier, definition_hash, is_unknown, is_reached, is_reached_by_human
    from {{ ref('int_labels_judged') }}
    union all
    select stage, classifier_kind as classifier, definition_hash, is_unknown, is_reached, is_reached_by_human
    from {{ ref('int_labels_judged') }}

),

-- How the labels that a person judged agree with the person.
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

),

judgements as (

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

),

qualities as (

    select
        stage,
        classifier,
        definition_hash,
        sample_size,
        true_positives,
        false_positives,
        false_negatives,
        true_negatives,
        {{ cohens_kappa('true_positives', 'false_positives', 'false_negatives', 'true_negatives') }} as kappa,
        cast(true_positives as double) / nullif(positives, 0) as sensitivity,
        {{ wilson_low('true_positives', 'positives') }} as sensitivity_ci_low,
        {{ wilson_high('true_positives', 'positives') }} as sensitivity_ci_high,
        cast(true_negatives as double) / nullif(negatives, 0) as specificity,
        {{ wilson_low('true_negatives', 'negatives') }} as specificity_ci_low,
        {{ wilson_high('true_negatives', 'negatives') }} as specificity_ci_high,
        labelled_conversations,
        reached_conversations,
        unknown_conversations,
        cast(reached_conversations as double) / labelled_conversations as raw_rate,
        {{ wilson_low('reached_conversations', 'labelled_conversations') }} as raw_rate_ci_low,
        {{ wilson_high('reached_conversations', 'labelled_conversations') }} as raw_rate_ci_high,
        {{ rogan_gladen(
            'reached_conversations', 'labelled_conversations', 'true_positives', 'positives', 'true_negatives', 'negatives'
        ) }} as corrected_rate,
        {{ rogan_gladen_low(
            'reached_conversations', 'labelled_conversations', 'true_positives', 'positives', 'true_negatives', 'negatives'
        ) }} as corrected_rate_ci_low,
        {{ rogan_gladen_high(
            'reached_conversations', 'labelled_conversations', 'true_positives', 'positives', 'true_negatives', 'negatives'
        ) }} as corrected_rate_ci_high
    from judgements

)

select * from qualities
