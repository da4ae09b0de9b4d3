-- grain: one row per area of the published statistics
with

areas as (
    select * from {{ ref('stg_statistics_areas') }}
)

-- names and regions change: the latest year counts, then the file that was added last
select distinct on (area_code)
    area_code,
    geographic_level,
    area_name,
    old_la_code,
    region_code,
    region_name
from areas
order by area_code asc, time_period desc, file_id desc
