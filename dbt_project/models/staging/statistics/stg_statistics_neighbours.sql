-- grain: one row per authority and statistical neighbour
select
    old_la_code,
    neighbour_rank,
    neighbour_old_la_code,
    closeness
from {{ source('ops', 'statistics_neighbours') }}
