-- grain: one row per current record of ssd_involvements, with the worker before and the
-- person's case
with

allocations as (
    select
        allocations.*,
        cutoffs.night,
        allocations.start_date <= cutoffs.night
        and coalesce(allocations.end_date > cutoffs.night, true) as is_open
    from {{ ref('stg_involvements') }} as allocations
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on allocations.authority = cutoffs.authority
),

-- several referrals of one child may have the same worker
workers as (
    select
        authority,
        person_id,
        professional_role,
        min(professional_id) as first_worker_id,
        max(professional_id) as last_worker_id
    from allocations
    where is_open and person_id is not null
    group by authority, person_id, professional_role
),

known_workers as (
    select
        authority,
        professional_id
    from {{ ref('stg_professionals') }}
    where professional_id is not null
    group by authority, professional_id
),

cases as (
    select
        authority,
        person_id,
        bool_and(case_status_code = 'closed') as is_closed
    from {{ ref('stg_case_status') }}
    where person_id is not null
    group by authority, person_id
)

select
    allocations.authority,
    allocations.record_key,
    allocations.person_id,
    allocations.professional_id,
    allocations.professional_role,
    allocations.start_date,
    allocations.end_date,
    allocations.is_open,
    allocations.is_open
    and coalesce(workers.first_worker_id <> workers.last_worker_id, false)
        as has_another_worker,
    allocations.professional_id is null
    or known_workers.professional_id is not null as is_known_worker,
    coalesce(cases.is_closed, false) as is_case_closed,
    allocations.night
from allocations
left join workers
    on
        allocations.authority = workers.authority
        and allocations.person_id = workers.person_id
        and allocations.professional_role = workers.professional_role
left join known_workers
    on
        allocations.authority = known_workers.authority
        and allocations.professional_id = known_workers.professional_id
left join cases
    on
        allocations.authority = cases.authority
        and allocations.person_id = cases.person_id
