-- One row per stage and classifier: how far its labels can be trusted, and the rate behind the rate that they give.
with

judgements as (

    select * from {{ ref('int_label_judgements_counted') }}

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
