-- list 8: children looked after on the day, or who ceased to be in the 12 months
periods as (
    select distinct on (young_person_key)
        *,
        coalesce(end_date > %(day)s, true) as is_open,
        least(end_date - 1, %(day)s) as last_day
    from core.fct_care_periods
    where
        authority = %(authority)s
        and start_date <= %(day)s
        and coalesce(end_date >= %(year_from)s, true)
    order by young_person_key asc, start_date desc
),

legal_statuses as (
    select distinct on (periods.young_person_key)
        periods.young_person_key,
        legal_statuses.start_date,
        legal_statuses.legal_status_code
    from periods
    inner join core.fct_legal_statuses as legal_statuses
        on
            periods.young_person_key = legal_statuses.young_person_key
            and periods.last_day >= legal_statuses.start_date
            and coalesce(periods.last_day < legal_statuses.end_date, true)
    order by periods.young_person_key asc, legal_statuses.start_date desc
),

placements as (
    select distinct on (periods.young_person_key)
        periods.young_person_key,
        placements.start_date,
        placements.placement_type_code,
        placements.provider_code,
        placements.is_in_area
    from periods
    inner join core.fct_placements as placements
        on
            periods.care_period_key = placements.care_period_key
            and periods.last_day >= placements.start_date
    order by periods.young_person_key asc, placements.start_date desc
),

homes as (
    select
        young_person_key,
        count(distinct care_period_key || '|' || home_number) as home_count
    from core.fct_placements
    where
        authority = %(authority)s
        and not is_temporary
        and start_date <= %(day)s
        and coalesce(end_date > %(year_from)s, true)
    group by young_person_key
),

-- the postcode and the URN are not in core
recorded_placements as (
    select distinct on (person_id, start_date)
        person_id,
        start_date,
        postcode,
        provider_urn
    from staging.stg_cla_placement
    where authority = %(authority)s and person_id is not null
    order by person_id asc, start_date asc, record_key asc
),

care_ids as (
    select distinct on (cla_id)
        cla_id,
        person_id
    from staging.stg_cla_episodes
    where authority = %(authority)s and cla_id is not null and person_id is not null
    order by cla_id asc, start_date desc, record_key asc
),

iro_contacts as (
    select
        person_id,
        max(last_iro_contact_date) as contact_date
    from staging.stg_cla_episodes
    where authority = %(authority)s and last_iro_contact_date <= %(day)s
    group by person_id
),

reviews as (
    select
        coalesce(reviews.person_id, care_ids.person_id) as person_id,
        max(reviews.review_date) as review_date
    from staging.stg_cla_reviews as reviews
    left join care_ids on reviews.cla_id = care_ids.cla_id
    where
        reviews.authority = %(authority)s
        and reviews.review_date <= %(day)s
        and reviews.is_cancelled is not true
    group by coalesce(reviews.person_id, care_ids.person_id)
),

visits as (
    select
        person_id,
        max(visit_date) as visit_date
    from staging.stg_cla_visits
    where authority = %(authority)s and visit_date <= %(day)s
    group by person_id
),

care_plans as (
    select distinct on (person_id)
        person_id,
        care_plan_json
    from staging.stg_cla_care_plan
    where authority = %(authority)s and start_date <= %(day)s
    order by person_id asc, start_date desc, record_key asc
),

checks as (
    select
        young_person_key,
        max(check_date) filter (where check_kind = 'health assessment')
            as health_assessment_date,
        max(check_date) filter (where check_kind = 'dental check') as dental_check_date
    from core.fct_health_checks
    where authority = %(authority)s and is_completed and check_date <= %(day)s
    group by young_person_key
),

missing as (
    select
        young_person_key,
        count(*) filter (where missing_type_code = 'M') as missing_count,
        count(*) filter (where missing_type_code = 'A') as absent_count
    from core.fct_missing_episodes
    where authority = %(authority)s and start_date between %(year_from)s and %(day)s
    group by young_person_key
),

last_missing as (
    select distinct on (young_person_key)
        young_person_key,
        is_return_interview_offered,
        is_return_interview_accepted
    from core.fct_missing_episodes
    where
        authority = %(authority)s
        and missing_type_code = 'M'
        and start_date between %(year_from)s and %(day)s
    order by young_person_key asc, start_date desc
)

select
    children.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    coalesce(uasc.last_date >= %(year_from)s, false) as is_uasc,
    children."Does the Child have a Disability",
    periods.start_date as "Date Started to be Looked After",
    periods.need_code as "Child's Category of Need",
    coalesce(periods.previous_end_date >= %(year_from)s, false) as is_second_period,
    legal_statuses.start_date as "Start date of current legal status",
    legal_statuses.legal_status_code as "Child's Legal Status",
    reviews.review_date as "Date of Latest Statutory Review",
    visits.visit_date as "Date of Last Social Work Visit",
    case
        when care_plans.care_plan_json ->> 'ADOPTION' = 'Y' then 'ADOPTION'
        when 'Y' in (
            care_plans.care_plan_json ->> 'RETURN1M',
            care_plans.care_plan_json ->> 'RETURN6M',
            care_plans.care_plan_json ->> 'RETURNEV'
        ) then 'RETURN'
        when 'Y' in (
            care_plans.care_plan_json ->> 'LTRELFR',
            care_plans.care_plan_json ->> 'LTFOST18'
        ) then 'FOSTERING'
        when care_plans.care_plan_json ->> 'RESPLMT' = 'Y' then 'RESIDENTIAL'
        when care_plans.care_plan_json ->> 'SUPPLIV' = 'Y' then 'SUPPORTED'
        when 'Y' in (
            care_plans.care_plan_json ->> 'OTHERPLN',
            care_plans.care_plan_json ->> 'REMAINSUP'
        ) then 'OTHER'
    end as "What is the permanence plan for this child?",
    iro_contacts.contact_date as "Date of Last IRO Visit / Contact to the Child",
    checks.health_assessment_date as "Date of Last Health Assessment",
    checks.dental_check_date as "Date of Last Dental Check",
    coalesce(homes.home_count, 0) as "Number of Placements in the Last 12 months",
    case when not periods.is_open then periods.end_date end
        as "Date Ceased to be Looked After",
    case when not periods.is_open then periods.end_reason_code end
        as "Reason Ceased to be Looked After",
    placements.start_date as "Start Date of Most Recent Placement",
    placements.placement_type_code as "Placement Type",
    placements.provider_code as "Placement Provider",
    recorded_placements.postcode as "Placement postcode",
    recorded_placements.provider_urn as "URN of Placement",
    case
        when placements.is_in_area then 'IN'
        when not placements.is_in_area then 'OUT'
    end
        as "Placement Location",
    -- the dataset does not have the authority in which the placement is
    null as "LA of Placement",
    coalesce(missing.missing_count, 0) as missing_count,
    coalesce(missing.absent_count, 0) as absent_count,
    last_missing.is_return_interview_offered,
    last_missing.is_return_interview_accepted,
    allocated."Allocated Team",
    allocated."Allocated Worker"
from periods
inner join children on periods.young_person_key = children.young_person_key
left join uasc on children.person_id = uasc.person_id
left join legal_statuses on periods.young_person_key = legal_statuses.young_person_key
left join placements on periods.young_person_key = placements.young_person_key
left join homes on periods.young_person_key = homes.young_person_key
left join recorded_placements
    on
        children.person_id = recorded_placements.person_id
        and placements.start_date = recorded_placements.start_date
left join iro_contacts on children.person_id = iro_contacts.person_id
left join reviews on children.person_id = reviews.person_id
left join visits on children.person_id = visits.person_id
left join care_plans on children.person_id = care_plans.person_id
left join checks on periods.young_person_key = checks.young_person_key
left join missing on periods.young_person_key = missing.young_person_key
left join last_missing on periods.young_person_key = last_missing.young_person_key
left join allocated on children.person_id = allocated.person_id
order by children.person_id
