-- One row per date or hour this run states, segment and group of measures: their values as a list.
{{ measures_as_list(ref('int_conversation_measures_counted'), 'conversations') }}
union all
{{ measures_as_list(ref('int_interaction_measures_counted'), 'interactions') }}
union all
{{ measures_as_list(ref('int_sales_measures_counted'), 'sales') }}
