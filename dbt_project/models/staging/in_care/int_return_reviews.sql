-- grain: one row per current record of ssd_cla_reviews, with the child's birth date and
-- care, as the looked-after return has it
with

years as (
    select * from {{ ref('int_collection_year') }}
),

-- some vendors' reviews name no child: the period of care does
periods as (
    select
        authority || '|' || cla_id as care_period,
        min(authority || '|' || person_id) as child
    from {{ ref('stg_cla_episodes') }}
    where cla_id is not null and person_id is not null
    group by authority, cla_id
),

reviews as (
    select
        reviews.*,
        coalesce(reviews.authority || '|' || reviews.person_id, periods.child) as child
    from {{ ref('stg_cla_reviews') }} as reviews
    left join periods
        on reviews.authority || '|' || reviews.cla_id = periods.care_period
),

people as (
    select distinct on (authority, person_id)
        authority || '|' || person_id as child,
        birth_date
    from {{ ref('stg_person') }}
    where person_id is not null
    order by
        authority asc,
        person_id asc,
        known_from desc,
        from_load desc,
        birth_date asc nulls last
),

care as (
    select * from {{ ref('int_return_care') }}
)

select
    reviews.authority,
    reviews.record_key,
    reviews.person_id,
    reviews.review_date,
    reviews.is_cancelled,
    reviews.participation_code,
    reviews.participation_sent,
    reviews.period,
    reviews.known_from,
    reviews.from_load,
    reviews.sentinel_columns,
    reviews.unreadable_columns,
    years.night,
    years.collection_year,
    years.year_start,
    years.year_end,
    -- planned and cancelled reviews are not in the return
    coalesce(reviews.review_date between years.year_start and years.as_of_date, false)
    and not coalesce(reviews.is_cancelled, false) as is_in_year,
    coalesce(reviews.period = years.collection_year::text, false) as is_new_in_return,
    people.birth_date,
    {{ birthday('people.birth_date', 4) }} as birthday_4,
    care.child is not null as has_episode,
    coalesce(care.has_episode_in_year, false) as has_episode_in_year,
    coalesce(care.has_care_in_year, false) as has_care_in_year
from reviews
left join years on reviews.authority = years.authority
left join people on reviews.child = people.child
left join care on reviews.child = care.child
