-- list 4: assessments, open or authorised in the six months
records as (
    select * from staging.stg_cin_assessments
    where
        authority = %(authority)s
        and start_date <= %(day)s
        and coalesce(authorised_date >= %(six_months_from)s, true)
)

select
    records.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    children."Does the Child have a Disability",
    records.start_date as "Continuous Assessment Start Date",
    coalesce(records.is_child_seen::text, 'unknown')
        as "Child Seen During Continuous Assessment",
    case when records.authorised_date <= %(day)s then records.authorised_date end
        as "Continuous Assessment Date of Authorisation",
    case
        when records.authorised_date <= %(day)s
            then not records.is_no_further_action
    end
        as needs_support,
    teams."Allocated Team",
    workers."Allocated Worker"
from records
left join children on records.person_id = children.person_id
left join teams on records.team_id = teams.team_id
left join workers on records.worker_id = workers.worker_id
order by records.start_date, records.record_key
