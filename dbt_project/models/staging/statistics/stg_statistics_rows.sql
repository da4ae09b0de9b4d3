-- grain: one row per line of a data set of the Department
select
    file_id,
    data_set,
    time_period,
    geographic_level,
    area_code,
    cells
from {{ source('ops', 'statistics_rows') }}
