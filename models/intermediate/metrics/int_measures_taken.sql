-- One row per production conversation and group of measures: what it counts for, as a list.
{{ measures_as_list(ref('int_conversation_measures_taken'), 'conversations', taken_measure_keys()) }}
union all
{{ measures_as_list(ref('int_interaction_measures_taken'), 'interactions', taken_measure_keys()) }}
union all
{{ measures_as_list(ref('int_sales_measures_taken'), 'sales', taken_measure_keys()) }}
