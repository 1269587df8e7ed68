-- One row per kind of pattern (path, drop_point, objection) and pattern of the last 28 days, the 20 most frequent of each kind.
with

paths as (

    select conversation_key, user_key, is_resolved, is_abandoned, path, last_step
    from {{ ref('int_paths_described') }}
    where is_whole

),

objections as (

    select distinct conversation_key, objection
    from {{ ref('fct_messages') }}
    where objection is not null and objection <> 'unknown'

),

patterns as (

    select 'path' as pattern_kind, path as pattern, conversation_key, user_key, is_resolved, is_abandoned
    from paths
    union all
    select 'drop_point' as pattern_kind, last_step as pattern, conversation_key, user_key, is_resolved, is_abandoned
    from paths
    union all
    select
        'objection' as pattern_kind, objections.objection as pattern, paths.conversation_key, paths.user_key, paths.is_resolved,
        paths.is_abandoned
    from paths
    inner join objections on paths.conversation_key = objections.conversation_key

),

-- A pattern of few people could identify them.
patterns_counted as (

    select
        pattern_kind,
        pattern,
        count(*) as conversation_count,
        count(distinct user_key) as user_count,
        count(case when is_resolved then 1 end) as resolved_count,
        count(case when is_abandoned then 1 end) as abandoned_count,
        row_number() over (partition by pattern_kind order by count(*) desc, pattern) as pattern_rank
    from patterns
    group by pattern_kind, pattern
    having count(distinct user_key) >= 5

),

conversation_patterns as (

    select
        *,
        resolved_count / cast(conversation_count as double) as resolution_rate,
        {{ wilson_low('resolved_count', 'conversation_count') }} as resolution_rate_ci_low,
        {{ wilson_high('resolved_count', 'conversation_count') }} as resolution_rate_ci_high,
        abandoned_count / cast(conversation_count as double) as abandonment_rate,
        {{ wilson_low('abandoned_count', 'conversation_count') }} as abandonment_rate_ci_low,
        {{ wilson_high('abandoned_count', 'conversation_count') }} as abandonment_rate_ci_high
    from patterns_counted
    where pattern_rank <= 20

)

select * from conversation_patterns
