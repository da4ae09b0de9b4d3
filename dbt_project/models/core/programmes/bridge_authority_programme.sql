-- grain: one row per authority and programme that provides placements
with

costs as (
    select * from {{ ref('fct_placement_costs') }}
    where programme_code is not null
)

-- a programme's first year begins with the month of its first placement
select
    authority,
    programme_code,
    date_trunc('month', min(from_date))::date as programme_start_date
from costs
group by authority, programme_code
