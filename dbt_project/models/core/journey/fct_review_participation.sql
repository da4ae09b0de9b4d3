-- grain: one row per review held, with how the child took part
with

looked_after_reviews as (
    select * from {{ ref('stg_cla_reviews') }}
    where is_cancelled is not true
),

care_episodes as (
    select * from {{ ref('stg_cla_episodes') }}
),

child_protection_reviews as (
    select * from {{ ref('stg_cp_reviews') }}
),

-- only Mosaic names the person of a review; elsewhere the period of care does
people_of_periods as (
    select
        authority,
        cla_id,
        min(person_id) as person_id
    from care_episodes
    where cla_id is not null
    group by authority, cla_id
),

reviews as (
    select
        looked_after_reviews.authority,
        'LAC' as plan_type_code,
        coalesce(looked_after_reviews.person_id, people_of_periods.person_id)
            as person_id,
        looked_after_reviews.review_date,
        looked_after_reviews.participation_code
    from looked_after_reviews
    left join people_of_periods
        on
            looked_after_reviews.authority = people_of_periods.authority
            and looked_after_reviews.cla_id = people_of_periods.cla_id
    union all
    select
        authority,
        'CP' as plan_type_code,
        person_id,
        review_date,
        participation_code
    from child_protection_reviews
)

-- of two records of one child and day, the fuller part counts
select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    plan_type_code,
    review_date,
    min(participation_code) as participation_code
from reviews
where person_id is not null and review_date is not null
group by authority, plan_type_code, person_id, review_date
