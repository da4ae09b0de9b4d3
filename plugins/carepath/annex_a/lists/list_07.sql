-- list 7: child protection plans, open on the day or ended in the six months
plans as (
    select
        *,
        row_number() over (partition by person_id order by start_date, record_key) - 1
            as previous_count
    from staging.stg_cp_plans
    where authority = %(authority)s and start_date <= %(day)s
),

visits as (
    select distinct on (cp_plan_id)
        cp_plan_id,
        visit_date,
        is_child_seen_alone
    from staging.stg_cp_visits
    where authority = %(authority)s and visit_date <= %(day)s and cp_plan_id is not null
    order by cp_plan_id asc, visit_date desc, record_key asc
),

reviews as (
    select
        cp_plan_id,
        max(review_date) as review_date
    from staging.stg_cp_reviews
    where authority = %(authority)s and review_date <= %(day)s
    group by cp_plan_id
),

protected as (
    select person_id
    from staging.stg_legal_status
    where
        authority = %(authority)s
        and legal_status_code in ('L1', 'L2')
        and start_date <= %(day)s
        and coalesce(end_date >= %(six_months_from)s, true)
    group by person_id
)

select
    plans.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    children."Does the Child have a Disability",
    plans.start_date as "Child Protection Plan Start Date",
    plans.initial_category_code as "Initial Category of Abuse",
    plans.latest_category_code as "Latest Category of Abuse",
    visits.visit_date as "Date of the Last Statutory Visit",
    coalesce(visits.is_child_seen_alone::text, 'unknown') as "Was the Child Seen Alone?",
    reviews.review_date as "Date of latest review conference",
    case when plans.end_date <= %(day)s then plans.end_date end
        as "Child Protection Plan End Date",
    protected.person_id is not null
        as was_protected,
    plans.previous_count as "Number of Previous Child Protection Plans",
    allocated."Allocated Team",
    allocated."Allocated Worker"
from plans
left join children on plans.person_id = children.person_id
left join visits on plans.cp_plan_id = visits.cp_plan_id
left join reviews on plans.cp_plan_id = reviews.cp_plan_id
left join protected on plans.person_id = protected.person_id
left join allocated on plans.person_id = allocated.person_id
where coalesce(plans.end_date >= %(six_months_from)s, true)
order by plans.start_date, plans.record_key
