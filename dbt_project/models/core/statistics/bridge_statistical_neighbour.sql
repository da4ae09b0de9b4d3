-- grain: one row per authority and statistical neighbour
with

neighbours as (
    select * from {{ ref('stg_statistics_neighbours') }}
),

areas as (
    select * from {{ ref('dim_statistical_area') }}
),

-- when authorities merge, the new one can keep an old three-digit code: the code's
-- latest area is the one that still has it
coded as (
    select
        old_la_code,
        max(area_code) as area_code
    from areas
    where old_la_code is not null
    group by old_la_code
)

select
    own.area_code,
    neighbours.neighbour_rank,
    theirs.area_code as neighbour_area_code,
    neighbours.closeness
from neighbours
inner join coded as own on neighbours.old_la_code = own.old_la_code
inner join coded as theirs on neighbours.neighbour_old_la_code = theirs.old_la_code
