-- list 9: care leavers, those of the record now whose eligibility is not "none"
records as (
    select distinct on (person_id) *
    from staging.stg_care_leavers
    where authority = %(authority)s and person_id is not null
    order by person_id asc, known_from desc, from_load desc
)

select
    records.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    uasc.person_id is not null as is_uasc,
    children."Does the Child have a Disability",
    coalesce(teams."Allocated Team", allocated."Allocated Team") as "Allocated Team",
    coalesce(workers."Allocated Worker", allocated."Allocated Worker")
        as "Allocated Worker",
    advisers."Allocated Worker" as "Allocated Personal Advisor",
    records.eligibility_code as "Eligibility Category",
    records.pathway_plan_review_date as "Latest Pathway Plan Review Date",
    coalesce(records.in_touch_code, 'UNKNOWN') as "LA in Touch",
    records.latest_contact_date as "Latest Date of Contact",
    records.accommodation_code as "Type of Accommodation",
    records.suitability_code as "Suitability of Accommodation",
    records.activity_code as "Activity Status"
from records
left join children on records.person_id = children.person_id
left join uasc on records.person_id = uasc.person_id
left join allocated on records.person_id = allocated.person_id
left join teams on records.team_id = teams.team_id
left join workers on records.worker_id = workers.worker_id
left join workers as advisers on records.personal_adviser_id = advisers.worker_id
where records.eligibility_code is distinct from 'N'
order by records.person_id
