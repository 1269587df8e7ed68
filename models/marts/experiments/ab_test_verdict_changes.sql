-- One row per verdict or harm alert of ab_test_results and later version that published it differently.
{%- set published = published_before('ab_test_results') %}
with

published_results as (

    select test_name, phase, metric, variant, is_exploratory, look_date, verdict, harm_alert
    from {% if published %}{{ published }}{% else %}{{ ref('ab_test_results') }}{% endif %}
    where {% if published %}not is_control{% else %}false{% endif %}

),

current_results as (

    select test_name, phase, metric, variant, is_exploratory, look_date, verdict, harm_alert
    from {{ ref('ab_test_results') }}
    where not is_control

),

results_compared as (

    select
        coalesce(published_results.test_name, current_results.test_name) as test_name,
        coalesce(published_results.phase, current_results.phase) as phase,
        coalesce(published_results.metric, current_results.metric) as metric,
        coalesce(published_results.variant, current_results.variant) as variant,
        coalesce(current_results.is_exploratory, published_results.is_exploratory) as is_exploratory,
        published_results.verdict as old_verdict,
        current_results.verdict as new_verdict,
        coalesce(published_results.harm_alert, false) as old_harm_alert,
        coalesce(current_results.harm_alert, false) as new_harm_alert,
        coalesce(
            published_results.look_date = current_results.look_date,
            published_results.test_name is not null and published_results.look_date is null and current_results.look_date is null
        ) as is_same_look
    from published_results
    full outer join current_results
        on
            published_results.test_name = current_results.test_name and published_results.phase = current_results.phase
            and published_results.metric = current_results.metric and published_results.variant = current_results.variant

),

changes as (

    select
        compared.test_name,
        compared.phase,
        compared.metric,
        compared.variant,
        compared.is_exploratory,
        compared.old_verdict,
        compared.new_verdict,
        compared.old_harm_alert,
        compared.new_harm_alert,
        comparison.restated_at as changed_at,
        comparison.load_id,
        case when comparison.reason = 'late_data' and not compared.is_same_look then 'new_look' else comparison.reason end as reason
    from results_compared as compared
    cross join {{ source('state', 'comparison') }} as comparison
    where
        -- A new test has no result yet, which is no change.
        (
            coalesce(compared.old_verdict, 'insufficient data') <> coalesce(compared.new_verdict, 'insufficient data')
            and not (compared.old_verdict is null and compared.new_verdict = 'no comparison')
        )
        or compared.old_harm_alert <> compared.new_harm_alert

)

select * from {{ source('history', 'ab_test_verdict_changes') }}
union all
select * from changes
