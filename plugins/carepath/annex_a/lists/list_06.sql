-- list 6: children in need, with an episode open on the day or closed in the six months
episodes as (
    select distinct on (person_id)
        *,
        coalesce(close_date > %(day)s, true) as is_open
    from staging.stg_cin_episodes
    where
        authority = %(authority)s
        and person_id is not null
        and referral_date <= %(day)s
        and coalesce(close_date >= %(six_months_from)s, true)
        and is_no_further_action is not true
    order by person_id asc, coalesce(close_date > %(day)s, true) desc,
        referral_date desc, record_key asc
),

visits as (
    select
        person_id,
        max(visit_date) as seen_date
    from (
        select person_id, visit_date, is_child_seen from staging.stg_cin_visits
        where authority = %(authority)s
        union all
        select person_id, visit_date, is_child_seen from staging.stg_cp_visits
        where authority = %(authority)s
        union all
        select person_id, visit_date, is_child_seen from staging.stg_cla_visits
        where authority = %(authority)s
    ) as each_visit
    where is_child_seen and visit_date <= %(day)s
    group by person_id
),

plans as (
    select
        young_person_key,
        bool_or(plan_type_code = 'CLA') as is_looked_after,
        bool_or(plan_type_code = 'CP') as is_protected,
        bool_or(plan_type_code = 'CIN') as is_in_need
    from core.fct_plan_spells
    where
        authority = %(authority)s
        and start_date <= %(day)s
        and coalesce(end_date > %(day)s, true)
    group by young_person_key
),

assessments as (
    select person_id
    from staging.stg_cin_assessments
    where
        authority = %(authority)s
        and start_date <= %(day)s
        and coalesce(authorised_date > %(day)s, true)
    group by person_id
)

select
    episodes.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    children."Does the Child have a Disability",
    episodes.referral_date as "CIN Start Date",
    episodes.primary_need_code as "Primary Need Code",
    visits.seen_date as "Date Child Was Last Seen",
    case when not episodes.is_open then episodes.close_date end as "CIN Closure Date",
    case when not episodes.is_open then episodes.close_reason_code end
        as "Reason for Closure",
    case
        when plans.is_looked_after then 'CLA'
        when plans.is_protected then 'CP'
        when plans.is_in_need then 'CIN'
        when not episodes.is_open then 'CLOSED'
        when assessments.person_id is not null then 'ASSESSMENT'
    end as "Case Status",
    coalesce(allocated."Allocated Team", teams."Allocated Team") as "Allocated Team",
    coalesce(allocated."Allocated Worker", workers."Allocated Worker")
        as "Allocated Worker"
from episodes
left join children on episodes.person_id = children.person_id
left join visits on episodes.person_id = visits.person_id
left join plans on children.young_person_key = plans.young_person_key
left join assessments on episodes.person_id = assessments.person_id
left join allocated on episodes.person_id = allocated.person_id
left join teams on episodes.team_id = teams.team_id
left join workers on episodes.worker_id = workers.worker_id
order by episodes.person_id
