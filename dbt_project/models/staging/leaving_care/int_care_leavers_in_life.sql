-- grain: one row per current care-leaver record, with the person's life and time in
-- care
with

statuses as (
    select * from {{ ref('int_care_leaver_status') }}
),

people as (
    select
        authority,
        person_id,
        min(birth_date) as birth_date,
        max(death_date) as death_date,
        bool_or(is_mother) as is_mother
    from {{ ref('stg_person') }}
    where person_id is not null
    group by authority, person_id
),

mothers as (
    select
        authority,
        person_id,
        count(*) as child_count
    from {{ ref('stg_mother') }}
    where person_id is not null
    group by authority, person_id
),

care as (
    select
        episodes.authority,
        episodes.person_id,
        min(episodes.start_date) as first_care_date,
        bool_or(
            episodes.start_date <= cutoffs.night
            and coalesce(episodes.end_date > cutoffs.night, true)
        ) as is_looked_after
    from {{ ref('stg_cla_episodes') }} as episodes
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on episodes.authority = cutoffs.authority
    where episodes.person_id is not null and episodes.start_date is not null
    group by episodes.authority, episodes.person_id
),

-- what the EET status was last recorded for, up to the night
recorded as (
    select
        eet_statuses.authority,
        eet_statuses.person_id,
        max(eet_statuses.recorded_date) as eet_recorded_date
    from {{ ref('stg_eet_status') }} as eet_statuses
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on eet_statuses.authority = cutoffs.authority
    where eet_statuses.recorded_date <= cutoffs.night
    group by eet_statuses.authority, eet_statuses.person_id
)

select
    statuses.authority,
    statuses.record_key,
    statuses.person_id,
    statuses.eligibility_code,
    statuses.in_touch_code,
    statuses.activity_code,
    statuses.latest_contact_date,
    statuses.pathway_plan_review_date,
    statuses.has_activity,
    statuses.has_accommodation,
    statuses.is_open,
    statuses.is_care_leaver,
    statuses.eet_status_code,
    statuses.period,
    recorded.eet_recorded_date,
    people.birth_date,
    people.death_date,
    extract(year from age(statuses.night, people.birth_date))::integer as age_years,
    people.is_mother,
    coalesce(people.is_mother, false)
    or mothers.person_id is not null as has_child,
    care.first_care_date,
    coalesce(care.is_looked_after, false) as is_looked_after,
    statuses.night
from statuses
left join people
    on
        statuses.authority = people.authority
        and statuses.person_id = people.person_id
left join mothers
    on
        statuses.authority = mothers.authority
        and statuses.person_id = mothers.person_id
left join care
    on
        statuses.authority = care.authority
        and statuses.person_id = care.person_id
left join recorded
    on
        statuses.authority = recorded.authority
        and statuses.person_id = recorded.person_id
