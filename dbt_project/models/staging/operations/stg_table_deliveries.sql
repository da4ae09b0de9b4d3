-- grain: one row per table of a load
select
    load_id,
    table_name,
    columns
from {{ source('ops', 'table_deliveries') }}
