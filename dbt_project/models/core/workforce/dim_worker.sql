-- grain: one row per worker
with

professionals as (
    select * from {{ ref('stg_professionals') }}
),

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
),

allocations as (
    select * from {{ ref('fct_allocations') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

enquiries as (
    select * from {{ ref('fct_enquiries') }}
),

inventories as (
    select * from {{ ref('fct_alliance_inventories') }}
),

observations as (
    select * from {{ ref('fct_practice_observations') }}
),

latest as (
    select distinct on (authority, professional_id) *
    from professionals
    where professional_id is not null
    order by
        authority asc, professional_id asc, known_from desc, from_load desc,
        professionals::text desc
),

-- workers that the facts name, whether the source lists them or not
workers as (
    select
        authority,
        {{ surrogate_key(['authority', 'professional_id']) }} as worker_key
    from latest
    union
    select
        authority,
        {{ surrogate_key(['authority', 'worker_id']) }} as worker_key
    from care_leavers
    union
    select
        authority,
        {{ surrogate_key(['authority', 'personal_adviser_id']) }} as worker_key
    from care_leavers
    union
    select
        authority,
        worker_key
    from allocations
    union
    select
        authority,
        worker_key
    from referrals
    union
    select
        authority,
        worker_key
    from assessments
    union
    select
        authority,
        worker_key
    from enquiries
    union
    select
        authority,
        worker_key
    from inventories
    union
    select
        authority,
        worker_key
    from observations
)

select
    workers.worker_key,
    workers.authority,
    latest.job_title,
    latest.is_agency_worker,
    latest.full_time_equivalency as full_time_equivalent,
    latest.professional_id is not null as is_listed
from workers
left join latest
    on
        workers.worker_key
        = {{ surrogate_key(['latest.authority', 'latest.professional_id']) }}
where workers.worker_key is not null
