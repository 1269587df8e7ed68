-- One row per date of entry, funnel, segment and stage: how many reached it, were lost there, are in progress.
{{ config(alias='funnel_stages') }}{{ replace_affected('int_dates_affected', key='date') }}
with

entries as (

    select *
    from {{ ref('int_funnel_entries_placed') }}
    where {{ only_affected_dates('entry_date') }}

),

stages_reached as (

    select *
    from {{ ref('fct_conversation_stages') }}
    where {{ only_affected_dates('entry_date') }}

),

segments as (

    select *
    from {{ ref('int_conversation_segments_listed') }}
    where grain = 'day'

),

-- One row per entry and stage of its funnel, reached or not.
entries_by_stage as (

    select
        entries.entry_date as date,
        entries.conversation_key,
        entries.funnel,
        stages.stage_order,
        stages.stage,
        stages_measured.funnel is not null as is_measured,
        coalesce(reached.is_reached, false) as is_reached,
        coalesce(reached.is_in_order, false) as is_in_order,
        coalesce(previous.is_reached, false) as is_previous_reached,
        entries.furthest_stage_order,
        entries.is_in_progress,
        entries.is_last_reached,
        {{ milliseconds_between('entries.entered_at', 'reached.reached_at') }} as since_entry_ms,
        case when previous.is_reached then {{ milliseconds_between('previous.reached_at', 'reached.reached_at') }} end as since_previous_ms
    from entries
    inner join {{ ref('int_funnel_stages_defined') }} as stages on entries.funnel = stages.funnel
    left join {{ ref('int_stages_measured') }} as stages_measured
        on
            entries.funnel = stages_measured.funnel
            and stages.stage_order = stages_measured.stage_order
            and entries.source = stages_measured.source
            and stages_measured.is_measured
    left join stages_reached as reached
        on
            entries.conversation_key = reached.conversation_key
            and entries.funnel = reached.funnel
            and stages.stage_order = reached.stage_order
    left join stages_reached as previous
        on
            entries.conversation_key = previous.conversation_key
            and entries.funnel = previous.funnel
            and stages.previous_stage_order = previous.stage_order

),

stages_counted as (

    select
        entries_by_stage.date,
        entries_by_stage.funnel,
        segments.segment,
        segments.segment_type,
        segments.segment_value,
        entries_by_stage.stage_order,
        entries_by_stage.stage,
        bool_or(is_measured) as is_measured,
        count(*) as entered,
        count(case when is_measured then 1 end) as entered_measured,
        count(case when is_reached then 1 end) as reached,
        count(case when is_in_order then 1 end) as reached_in_order,
        count(case when furthest_stage_order >= stage_order then 1 end) as reached_or_later,
        count(case when is_reached and is_previous_reached then 1 end) as reached_with_previous,
        count(case when is_previous_reached and is_measured then 1 end) as previous_reached,
        count(case when furthest_stage_order = stage_order and is_in_progress then 1 end) as in_progress,
        count(case when furthest_stage_order = stage_order and not is_in_progress and not is_last_reached then 1 end) as lost,
        {{ rounded_median('case when is_reached then since_entry_ms end') }} / 1000.0 as median_seconds_from_entry,
        {{ rounded_median('case when is_reached then since_previous_ms end') }} / 1000.0 as median_seconds_from_previous
    from entries_by_stage
    inner join segments on entries_by_stage.conversation_key = segments.conversation_key
    group by
        entries_by_stage.date, entries_by_stage.funnel, segments.segment, segments.segment_type, segments.segment_value,
        entries_by_stage.stage_order, entries_by_stage.stage

),

-- A stage that a source cannot show is unknown: the counts of an unmeasured stage are null, never 0.
stages_masked as (

    select
        date,
        funnel,
        segment,
        segment_type,
        segment_value,
        stage_order,
        stage,
        is_measured,
        entered,
        case when is_measured then entered_measured end as entered_measured,
        case when is_measured then reached end as reached,
        case when is_measured then reached_in_order end as reached_in_order,
        case when is_measured then reached_or_later end as reached_or_later,
        case when is_measured then reached_with_previous end as reached_with_previous,
        case when is_measured then previous_reached end as previous_reached,
        in_progress,
        lost,
        median_seconds_from_entry,
        median_seconds_from_previous,
        entered >= 500 as is_sample_sufficient
    from stages_counted

),

rates_added as (

    select
        *,
        reached / nullif(cast(entered_measured as double), 0) as rate_of_entered,
        {{ wilson_low('reached', 'entered_measured') }} as rate_of_entered_ci_low,
        {{ wilson_high('reached', 'entered_measured') }} as rate_of_entered_ci_high,
        reached_with_previous / nullif(cast(previous_reached as double), 0) as step_rate,
        {{ wilson_low('reached_with_previous', 'previous_reached') }} as step_rate_ci_low,
        {{ wilson_high('reached_with_previous', 'previous_reached') }} as step_rate_ci_high,
        reached_or_later / nullif(cast(entered as double), 0) as reached_or_later_rate,
        reached / nullif(cast(previous_reached as double), 0) as conversion_rate
    from stages_masked

)

select * from rates_added
