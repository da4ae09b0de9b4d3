-- grain: one row per worker
with

professionals as (
    select * from {{ ref('stg_professionals') }}
),

care_leavers as (
    select * from {{ ref('stg_care_leavers_versions') }}
),

involvements as (
    select * from {{ ref('stg_involvements') }}
),

referrals as (
    select * from {{ ref('stg_cin_episodes') }}
),

assessments as (
    select * from {{ ref('stg_cin_assessments') }}
),

enquiries as (
    select * from {{ ref('stg_s47_enquiry') }}
),

latest as (
    select distinct on (authority, professional_id) *
    from professionals
    where professional_id is not null
    order by
        authority asc, professional_id asc, known_from desc, from_load desc,
        professionals::text desc
),

-- workers that records name, whether the source lists them or not
workers as (
    select
        authority,
        professional_id as worker_id
    from latest
    union
    select
        authority,
        worker_id
    from care_leavers
    union
    select
        authority,
        personal_adviser_id as worker_id
    from care_leavers
    union
    select
        authority,
        professional_id as worker_id
    from involvements
    union
    select
        authority,
        worker_id
    from referrals
    union
    select
        authority,
        worker_id
    from assessments
    union
    select
        authority,
        worker_id
    from enquiries
)

select
    {{ surrogate_key(['workers.authority', 'workers.worker_id']) }} as worker_key,
    workers.authority,
    latest.job_title,
    latest.is_agency_worker,
    latest.professional_id is not null as is_listed
from workers
left join latest
    on
        workers.authority = latest.authority
        and workers.worker_id = latest.professional_id
where workers.worker_id is not null
