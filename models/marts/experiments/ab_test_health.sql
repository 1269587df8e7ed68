-- One row per test, phase and thing that is wrong with its data, or worth knowing before its result is read.
with

problems as (

    select * from {{ ref('int_ab_test_problems_counted') }}
    union all
    select * from {{ ref('int_ab_test_conversion_problems_counted') }}

),

contaminated as (

    select test_name, phase, is_contaminated from {{ ref('int_ab_test_units_counted') }}

),

health as (

    select
        problems.test_name,
        cast(problems.phase as integer) as phase,
        problems.check_name,
        case
            when problems.check_name = 'sample_ratio_mismatch' then 'invalid'
            when problems.check_name in ('contaminated', 'ambiguous') and contaminated.is_contaminated then 'invalid'
            when problems.check_name in ('repeated', 'carried_over', 'other_tests', 'sample_ratio_uneven') then 'info'
            when problems.check_name in ('converted_before_exposure', 'converted_after_window', 'converted_without_exposure') then 'info'
            else 'warning'
        end as level,
        cast(problems.affected_count as bigint) as affected_count,
        cast(problems.total_count as bigint) as total_count,
        cast(problems.affected_count as double) / nullif(problems.total_count, 0) as affected_share,
        case problems.check_name
            when 'repeated' then 'Units exposed more than once to their variant: the first exposure counts.'
            when 'contaminated' then 'Units that saw another variant later: they stay in their first.'
            when 'ambiguous' then 'Units with two variants at the same first instant: left out.'
            when 'carried_over' then 'Units exposed again in a later phase: they stay in their first.'
            when 'unknown_variant' then 'Units whose first variant is not registered: left out. Add a phase that names it.'
            when 'assignment_mismatch' then 'Units in another variant than sha256 of test and key gives: the sender differs.'
            when 'other_tests' then 'Units that are in other tests too: they stay.'
            when 'before_start' then 'Units first exposed before any registered phase: left out.'
            when 'null_user' then 'Exposed conversations without a user, in a test of users: left out. Send user_id.'
            when 'users_in_several_variants' then 'Users who saw several variants, conversation by conversation: draw users instead.'
            when 'converted_before_exposure' then 'Conversions before the exposure: not of this test.'
            when 'converted_after_window' then 'Conversions behind the window: too late to count.'
            when 'converted_without_exposure' then 'Conversions during the test by units not exposed: exposures may be missing.'
            when 'empty_arm' then 'Planned variants without a unit: there is nothing to compare.'
            when 'no_control' then 'No variant is the control: register the test, send is_control with one variant, or name it control.'
            when 'no_conversions' then 'Variants without a single conversion: the event may be missing, or named otherwise.'
            when 'harm' then 'Treatments that convert so much worse that they harm: think of stopping them.'
            when 'sample_ratio_mismatch' then 'The units do not fall to the variants as planned: no difference can be trusted.'
            when 'sample_ratio_unlikely' then 'The units fall to the variants in an unlikely way: look at the counts.'
            when 'sample_ratio_uneven' then 'A split that one sound test in a hundred has at a single look: the sequential p-value decides.'
        end as explanation
    from problems
    left join contaminated on problems.test_name = contaminated.test_name and problems.phase = contaminated.phase
    where problems.affected_count > 0

)

select * from health
