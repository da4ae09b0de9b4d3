-- grain: one row per worker
with

workers as (
    select * from {{ ref('dim_worker') }}
)

select
    worker_key,
    authority,
    job_title,
    is_agency_worker,
    full_time_equivalent,
    is_listed
from workers
