-- grain: one row per young person, worker, role, team and unbroken time allocated
with

allocations as (
    select * from {{ ref('fct_allocations') }}
)

select
    allocation_key,
    young_person_key,
    authority,
    worker_key,
    team_key,
    role_code,
    start_date,
    end_date
from allocations
