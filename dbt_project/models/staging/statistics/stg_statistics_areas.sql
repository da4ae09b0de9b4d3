-- grain: one row per file and area
select
    file_id,
    area_code,
    time_period,
    geographic_level,
    area_name,
    old_la_code,
    region_code,
    region_name
from {{ source('ops', 'statistics_areas') }}
