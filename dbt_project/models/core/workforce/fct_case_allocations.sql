-- grain: one row per allocation and unbroken time with, or without, an open case
{{ config(materialized='kept') }}
with

allocations as (
    select * from {{ touched(ref('fct_allocations')) }}
),

referrals as (
    {{ referrals_with_cases() }}
),

-- several open cases of a young person count as one
open_cases as (
    select
        young_person_key,
        range_agg(daterange(referral_date, close_date)) as case_days
    from referrals
    group by young_person_key
),

days as (
    select
        allocations.allocation_key,
        allocations.young_person_key,
        allocations.authority,
        allocations.worker_key,
        allocations.team_key,
        allocations.role_code,
        datemultirange(daterange(allocations.start_date, allocations.end_date))
            as allocated_days,
        coalesce(open_cases.case_days, '{}') as case_days
    from allocations
    left join open_cases on allocations.young_person_key = open_cases.young_person_key
),

spans as (
    select
        days.*,
        true as is_case_open,
        unnest(days.allocated_days * days.case_days) as span
    from days
    union all
    select
        days.*,
        false as is_case_open,
        unnest(days.allocated_days - days.case_days) as span
    from days
)

select
    allocation_key,
    lower(span) as from_date,
    young_person_key,
    authority,
    worker_key,
    team_key,
    role_code,
    upper(span) as to_date,
    is_case_open
from spans
