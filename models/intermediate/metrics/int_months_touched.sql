-- One row per month of the reporting time zone that holds a date this run states anew.
select distinct cast({{ dbt.date_trunc('month', 'date') }} as date) as month
from {{ ref('int_dates_touched') }}
