-- One row: the moment up to which the data of every namespace is taken as complete.
select min(watermark_at) as data_until_at
from {{ ref('int_watermarks_measured') }}
