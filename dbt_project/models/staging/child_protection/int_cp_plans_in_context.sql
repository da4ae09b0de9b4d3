-- grain: one row per current record of ssd_cp_plans, with what else was going on for
-- the child
with

plans as (
    select
        plans.*,
        cutoffs.night
    from {{ ref('stg_cp_plans') }} as plans
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on plans.authority = cutoffs.authority
),

care as (
    select
        authority,
        person_id,
        range_agg(daterange(start_date, end_date)) as days
    from {{ ref('stg_cla_episodes') }}
    where
        person_id is not null
        and start_date is not null
        and coalesce(end_date > start_date, true)
    group by authority, person_id
),

-- a plan may follow a conference of weeks before, or come with a move from elsewhere
conferences as (
    select
        plans.authority,
        plans.record_key
    from plans
    inner join {{ ref('stg_initial_cp_conference') }} as conferences
        on
            plans.authority = conferences.authority
            and plans.person_id = conferences.person_id
            and plans.start_date >= conferences.conference_date - 31
            and plans.start_date <= conferences.conference_date + 92
    group by plans.authority, plans.record_key
),

named_conferences as (
    select
        authority,
        conference_id
    from {{ ref('stg_initial_cp_conference') }}
    where conference_id is not null
    group by authority, conference_id
),

reviews as (
    select
        reviews.authority,
        reviews.cp_plan_id,
        max(reviews.review_date) as last_review_date
    from {{ ref('stg_cp_reviews') }} as reviews
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on reviews.authority = cutoffs.authority
    where reviews.cp_plan_id is not null and reviews.review_date <= cutoffs.night
    group by reviews.authority, reviews.cp_plan_id
)

select
    plans.authority,
    plans.record_key,
    plans.person_id,
    plans.start_date,
    plans.end_date,
    plans.is_other_authority_plan,
    plans.start_date <= plans.night
    and coalesce(plans.end_date > plans.night, true) as is_open,
    -- the day on which a child enters care may still be a day of the plan
    coalesce(
        care.days @> plans.start_date and care.days @> (plans.start_date - 1), false
    ) as is_looked_after_at_start,
    coalesce(care.days @> plans.night, false) as is_looked_after_tonight,
    conferences.record_key is not null
    or named_conferences.conference_id is not null as has_conference,
    reviews.last_review_date,
    plans.night
from plans
left join care
    on plans.authority = care.authority and plans.person_id = care.person_id
left join conferences
    on
        plans.authority = conferences.authority
        and plans.record_key = conferences.record_key
left join named_conferences
    on
        plans.authority = named_conferences.authority
        and plans.conference_id = named_conferences.conference_id
left join reviews
    on
        plans.authority = reviews.authority
        and plans.cp_plan_id = reviews.cp_plan_id
