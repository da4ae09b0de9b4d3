-- list 5: section 47 enquiries in the six months
enquiries as (
    select * from staging.stg_s47_enquiry
    where authority = %(authority)s and start_date <= %(day)s
),

conferences as (
    select * from staging.stg_initial_cp_conference
    where authority = %(authority)s and conference_date <= %(day)s
),

of_enquiry as (
    select distinct on (s47_enquiry_id)
        s47_enquiry_id,
        conference_date,
        is_plan_made
    from conferences
    where s47_enquiry_id is not null
    order by s47_enquiry_id asc, conference_date asc, record_key asc
),

enquiries_in_a_year as (
    select
        person_id,
        count(*) as enquiry_count
    from enquiries
    where start_date >= %(year_from)s
    group by person_id
),

conferences_in_a_year as (
    select
        person_id,
        count(*) as conference_count
    from conferences
    where conference_date >= %(year_from)s
    group by person_id
)

select
    enquiries.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    children."Does the Child have a Disability",
    enquiries.start_date
        as "Strategy discussion initiating Section 47 Enquiry Start Date",
    case
        when of_enquiry.s47_enquiry_id is not null then false
        when enquiries.end_date <= %(day)s
            then (enquiries.outcome_json ->> 'CP_CONFERENCE_FLAG') = 'N'
    end as "Was an Initial Child Protection Conference deemed unnecessary?",
    of_enquiry.conference_date as "Date of Initial Child Protection Conference",
    of_enquiry.is_plan_made
        as is_plan_made,
    enquiries_in_a_year.enquiry_count
        as "Number of Section 47 Enquiries in the last 12 months",
    coalesce(conferences_in_a_year.conference_count, 0)
        as "Number of ICPCs in the last 12 months",
    teams."Allocated Team",
    workers."Allocated Worker"
from enquiries
left join children on enquiries.person_id = children.person_id
left join of_enquiry on enquiries.s47_enquiry_id = of_enquiry.s47_enquiry_id
left join enquiries_in_a_year on enquiries.person_id = enquiries_in_a_year.person_id
left join conferences_in_a_year
    on enquiries.person_id = conferences_in_a_year.person_id
left join teams on enquiries.team_id = teams.team_id
left join workers on enquiries.worker_id = workers.worker_id
where enquiries.start_date >= %(six_months_from)s
order by enquiries.start_date, enquiries.record_key
