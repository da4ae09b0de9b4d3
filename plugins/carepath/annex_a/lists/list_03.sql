-- list 3: referrals in the six months
referrals as (
    select * from staging.stg_cin_episodes
    where authority = %(authority)s and referral_date <= %(day)s
),

in_a_year as (
    select
        person_id,
        count(*) as referral_count
    from referrals
    where referral_date >= %(year_from)s
    group by person_id
)

select
    referrals.person_id as "Child Unique ID",
    children."Gender",
    children."Ethnicity",
    children."Date of Birth",
    children."Age of Child (Years)",
    referrals.referral_date as "Date of referral",
    referrals.referral_source_code as "Referral Source",
    referrals.is_no_further_action as "Referral NFA?",
    in_a_year.referral_count as "Number of Referrals in Last 12 Months",
    teams."Allocated Team",
    workers."Allocated Worker"
from referrals
left join children on referrals.person_id = children.person_id
left join in_a_year on referrals.person_id = in_a_year.person_id
left join teams on referrals.team_id = teams.team_id
left join workers on referrals.worker_id = workers.worker_id
where referrals.referral_date >= %(six_months_from)s
order by referrals.referral_date, referrals.record_key
