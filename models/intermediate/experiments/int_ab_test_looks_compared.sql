-- One row per test, phase, metric, segment, look and treatment: its difference to the control, and the evidence up to that look.
with

arms as (

    select * from {{ ref('int_ab_test_arms_estimated') }}

),

tests as (

    select * from {{ ref('int_ab_tests_listed') }}

),

pairs as (

    select
        treatment.test_name,
        treatment.phase,
        treatment.metric,
        treatment.segment,
        treatment.comparison_key,
        treatment.look_date,
        treatment.variant,
        tests.method,
        tests.planned_total,
        tests.treatment_count,
        treatment.estimate - control.estimate as abs_diff,
        nullif(sqrt(treatment.estimate_variance + control.estimate_variance), 0) as std_error,
        treatment.unit_count + control.unit_count as unit_count,
        treatment.has_min_sample and control.has_min_sample as has_min_sample
    from arms as treatment
    inner join arms as control
        on treatment.comparison_key = control.comparison_key and treatment.look_date = control.look_date and control.is_control
    inner join tests on treatment.test_name = tests.test_name and treatment.phase = tests.phase
    where not treatment.is_control

),

-- The first look with the planned sample is the last one of a group-sequential test: its boundary allows no further look.
pairs_ordered as (

    select
        *,
        abs_diff / std_error as z,
        coalesce(method = 'group_sequential' and lag(unit_count) over (
            partition by comparison_key, variant order by look_date
        ) >= planned_total, false) as is_after_plan,
        case when planned_total is not null then least(1.0, cast(unit_count as double) / planned_total) end as information_fraction,
        -- The mixture (mSPRT) is tuned to a planned number of units, known before the start.
        7.936154601737565 * unit_count / coalesce(planned_total, 5000) as mixture_ratio
    from pairs

),

evidence as (

    select
        *,
        case
            when has_min_sample and not is_after_plan and method = 'group_sequential' then abs(z) * sqrt(information_fraction)
        end as boundary_z,
        {{ mixture_log_e('z', 'mixture_ratio') }} as log_e
    from pairs_ordered

),

-- A p-value comes from the look with the strongest evidence so far: the direction is that of its difference.
evidence_accumulated as (

    select
        *,
        max(boundary_z) over so_far as highest_boundary_z,
        max(case when has_min_sample then log_e end) over so_far as highest_log_e,
        max_by(
            abs_diff, case when method = 'group_sequential' then boundary_z when has_min_sample then log_e end
        ) over so_far as evident_diff
    from evidence
    window so_far as (partition by comparison_key, variant order by look_date rows unbounded preceding)

),

looks_compared as (

    select
        *,
        case
            when method = 'group_sequential' then coalesce(least(1.0, 2.0 * {{ normal_two_sided_p('highest_boundary_z') }}), 1.0)
            else coalesce({{ p_of_log_e('highest_log_e') }}, 1.0)
        end as sequential_p_value,
        -- One of m intervals holds at 1 - alpha / m.
        case
            when method = 'group_sequential' then {{ group_sequential_half_width('treatment_count') }} / sqrt(information_fraction)
            else {{ mixture_half_width('mixture_ratio', '(0.05 / treatment_count)') }}
        end * std_error as half_width
    from evidence_accumulated

)

select * from looks_compared
