-- grain: one row per current care-leaver record, with the person's EET status and case
with

care_leavers as (
    select * from {{ ref('stg_care_leavers') }}
),

eet_statuses as (
    select * from {{ ref('stg_eet_status') }}
),

case_statuses as (
    select * from {{ ref('stg_case_status') }}
),

cutoffs as (
    select * from {{ source('ops', 'cutoffs') }}
),

years as (
    select * from {{ ref('int_collection_year') }}
),

-- a status with a date after the night is planned, and not true yet
statuses as (
    select distinct on (eet_statuses.authority, eet_statuses.person_id)
        eet_statuses.authority,
        eet_statuses.person_id,
        eet_statuses.status_code
    from eet_statuses
    left join cutoffs on eet_statuses.authority = cutoffs.authority
    where coalesce(eet_statuses.recorded_date <= cutoffs.night, true)
    order by
        eet_statuses.authority asc, eet_statuses.person_id asc,
        {{ latest_eet_status_first('eet_statuses') }}
),

cases as (
    select distinct on (case_statuses.authority, case_statuses.person_id)
        case_statuses.authority,
        case_statuses.person_id,
        case_statuses.case_status_code = 'open' as is_open,
        case_statuses.is_children_with_disabilities_team
    from case_statuses
    order by
        case_statuses.authority asc, case_statuses.person_id asc,
        {{ latest_case_status_first('case_statuses') }}
)

select
    care_leavers.authority,
    care_leavers.record_key,
    care_leavers.person_id,
    care_leavers.eligibility_code,
    care_leavers.eligibility_sent,
    care_leavers.in_touch_code,
    care_leavers.in_touch_sent,
    care_leavers.latest_contact_date,
    care_leavers.accommodation_code,
    care_leavers.accommodation_sent,
    care_leavers.suitability_code,
    care_leavers.suitability_sent,
    care_leavers.activity_code,
    care_leavers.activity_sent,
    care_leavers.pathway_plan_review_date,
    care_leavers.personal_adviser_id,
    care_leavers.team_id,
    care_leavers.worker_id,
    care_leavers.period,
    care_leavers.known_from,
    care_leavers.from_load,
    care_leavers.sentinel_columns,
    care_leavers.unreadable_columns,
    statuses.status_code as eet_status_code,
    {{ eet_of_activity('care_leavers.activity_code') }} as activity_group,
    care_leavers.activity_sent is not null
    and coalesce(care_leavers.activity_code <> '0', true) as has_activity,
    care_leavers.accommodation_sent is not null
    and (
        coalesce(care_leavers.accommodation_code <> '0', true)
        or care_leavers.suitability_sent is not null
    ) as has_accommodation,
    -- without a case status the case counts as open
    coalesce(cases.is_open, true) as is_open,
    coalesce(care_leavers.eligibility_code, '?') <> 'N' as is_care_leaver,
    coalesce(cases.is_children_with_disabilities_team, false)
        as is_children_with_disabilities_team,
    cutoffs.night,
    years.collection_year
from care_leavers
left join cutoffs on care_leavers.authority = cutoffs.authority
left join years on care_leavers.authority = years.authority
left join statuses
    on
        care_leavers.authority = statuses.authority
        and care_leavers.person_id = statuses.person_id
left join cases
    on
        care_leavers.authority = cases.authority
        and care_leavers.person_id = cases.person_id
