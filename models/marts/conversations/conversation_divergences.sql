-- One row per path of first turns and step after it: how much more often resolved conversations go on with it than others.
with

-- Whoever is handed to a person is not resolved, by definition: that step is no difference that was found.
steps as (

    select '(start)' as path, 0 as path_length, step as next_step, is_resolved, user_key
    from {{ ref('int_turns_described') }}
    where turn_number = 1 and step <> 'handoff'
    union all
    select path, path_length, next_step, is_resolved, user_key
    from {{ ref('int_paths_described') }}
    where next_step is not null and next_step <> 'handoff'

),

paths_counted as (

    select
        path,
        count(case when is_resolved then 1 end) as resolved_count,
        count(case when not is_resolved then 1 end) as unresolved_count
    from steps
    group by path

),

steps_counted as (

    select
        path,
        path_length,
        next_step,
        count(case when is_resolved then 1 end) as resolved_with_step_count,
        count(case when not is_resolved then 1 end) as unresolved_with_step_count,
        count(distinct user_key) as user_count
    from steps
    group by path, path_length, next_step

),

-- A path that is rarer on either side may be chance, or could identify a person.
divergences as (

    select
        steps_counted.*,
        paths_counted.resolved_count,
        paths_counted.unresolved_count,
        steps_counted.resolved_with_step_count / cast(paths_counted.resolved_count as double) as resolved_share,
        steps_counted.unresolved_with_step_count / cast(paths_counted.unresolved_count as double) as unresolved_share
    from steps_counted
    inner join paths_counted on steps_counted.path = paths_counted.path
    where paths_counted.resolved_count >= 30 and paths_counted.unresolved_count >= 30 and steps_counted.user_count >= 5

),

-- Bonferroni over all rows: all of the intervals hold together in 95 of 100 tables.
divergences_counted as (

    select
        *,
        {{ normal_quantile('(1.0 - 0.025 / count(*) over ())') }} as z
    from divergences

),

divergences_estimated as (

    select
        *,
        {{ newcombe_low('unresolved_with_step_count', 'unresolved_count', 'resolved_with_step_count', 'resolved_count', 'z') }}
            as difference_ci_low,
        {{ newcombe_high('unresolved_with_step_count', 'unresolved_count', 'resolved_with_step_count', 'resolved_count', 'z') }}
            as difference_ci_high
    from divergences_counted

),

divergences_ranked as (

    select
        path,
        path_length,
        next_step,
        resolved_count,
        resolved_with_step_count,
        resolved_share,
        unresolved_count,
        unresolved_with_step_count,
        unresolved_share,
        resolved_share - unresolved_share as difference,
        difference_ci_low,
        difference_ci_high,
        difference_ci_low > 0 or difference_ci_high < 0 as is_significant,
        row_number() over (
            order by greatest(difference_ci_low, -difference_ci_high) desc, path_length asc, path asc, next_step asc
        ) as divergence_rank
    from divergences_estimated

)

select * from divergences_ranked
