-- One row per unit whose outcome this run may change and UTC date of exposure under which it stood before.
{{ config(materialized='table') }}

{#- Read as the last run left them, hence no ref: they themselves depend on this model. -#}
{%- set conversations_before = relation_before('marts', 'fct_conversations') %}
{%- set units_before = relation_before('intermediate', 'int_ab_test_units_found') %}
{%- set sums_before = relation_before('intermediate', 'int_ab_test_values_summed') %}
{%- set affected_before = relation_before('intermediate', 'int_ab_test_units_affected') if was_interrupted() else none %}
with

recomputed as (

    select conversation_key
    from {{ ref('int_conversations_recomputed') }}

),

data_until as (

    select * from {{ ref('int_data_until_measured') }}

),

metrics as (

    select test_name, phase, metric
    from {{ ref('int_ab_test_metrics_listed') }}

),

-- A goal that is reached for the first time is a new metric: no unit has an outcome for it yet.
tests_with_other_metrics as (

    select metrics.test_name, metrics.phase
    from metrics
    where false
    {% if sums_before -%}
    union
    select added.test_name, added.phase
    from (
        select test_name, phase, metric from metrics
        except
        select test_name, phase, metric from {{ sums_before }}
    ) as added
    union
    select removed.test_name, removed.phase
    from (
        select test_name, phase, metric from {{ sums_before }}
        except
        select test_name, phase, metric from metrics
    ) as removed
    {%- endif %}

),

-- A conversation counts for the user it belongs to now, and for the one it belonged to before.
conversations as (

    select conversations.id_namespace, conversations.user_id
    from {{ ref('int_conversations') }} as conversations
    inner join recomputed on conversations.conversation_key = recomputed.conversation_key
    {% if conversations_before -%}
    union
    select before.id_namespace, before.user_id
    from {{ conversations_before }} as before
    inner join recomputed on before.conversation_key = recomputed.conversation_key
    {%- endif %}

),

units as (

    select conversation_key as unit_key from recomputed
    union
    select id_namespace || ':' || user_id as unit_key
    from conversations
    where user_id is not null
    {% if units_before -%}
    union
    -- Units without new events whose window has ended since; an operation that removes the newest events opens the window again.
    select before.unit_key
    from {{ units_before }} as before
    cross join data_until
    where before.is_window_over <> (before.window_ends_at <= data_until.data_until_at)
    union
    select before.unit_key
    from {{ units_before }} as before
    inner join tests_with_other_metrics as tests on before.test_name = tests.test_name and before.phase = tests.phase
    {%- endif %}

),

units_affected as (

    {% if units_before -%}
    select distinct units.unit_key, before.exposure_date
    from units
    left join {{ units_before }} as before on units.unit_key = before.unit_key
    {%- else -%}
    -- On a full refresh it has no effect, because all units are found.
    select unit_key, cast(null as date) as exposure_date
    from units
    where false
    {%- endif %}
    {% if affected_before -%}
    union
    -- The run before this one did not finish: some tables may hold the new numbers of these units, others the old ones.
    select unit_key, exposure_date from {{ affected_before }}
    {%- endif %}

)

select * from units_affected
