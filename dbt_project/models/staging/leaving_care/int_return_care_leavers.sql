-- grain: one row per current care-leaver record, with the person's care and collection
-- year, as the looked-after return has it (file OC3)
with

care_leavers as (
    select
        *,
        authority || '|' || person_id as child
    from {{ ref('stg_care_leavers') }}
),

years as (
    select * from {{ ref('int_collection_year') }}
),

care as (
    select * from {{ ref('int_return_care') }}
),

-- care before this day may be missing from the source
histories as (
    select
        authority,
        min(first_start_date) as history_start_date
    from care
    group by authority
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

-- earlier returns' rows of these two files stay, so only those of this year count
uasc as (
    select distinct statuses.authority || '|' || statuses.person_id as child
    from {{ ref('stg_immigration_status') }} as statuses
    inner join years
        on
            statuses.authority = years.authority
            and statuses.period = years.collection_year::text
    where statuses.immigration_status_code = 'UASC'
),

-- tables with records of one child that the return holds in a file of its own
health as (
    select authority || '|' || person_id as child from {{ ref('stg_cla_health') }}
    where period is not null
    union
    select authority || '|' || person_id from {{ ref('stg_cla_immunisations') }}
    where period is not null
    union
    select authority || '|' || person_id from {{ ref('stg_cla_convictions') }}
    where period is not null
    union
    select authority || '|' || person_id from {{ ref('stg_cla_substance_misuse') }}
    where period is not null
),

adopters as (
    select distinct permanence.authority || '|' || permanence.person_id as child
    from {{ ref('stg_permanence') }} as permanence
    inner join years
        on
            permanence.authority = years.authority
            and permanence.period = years.collection_year::text
    where
        num_nonnulls(
            permanence.matched_date, permanence.is_adopted_by_carer,
            permanence.adopter_count, permanence.adopter_sex_sent,
            permanence.adopter_legal_status_sent
        ) > 0
),

reviews as (
    select distinct reviews.authority || '|' || reviews.person_id as child
    from {{ ref('stg_cla_reviews') }} as reviews
    inner join years on reviews.authority = years.authority
    where reviews.review_date between years.year_start and years.year_end
),

missing as (
    select distinct missing.authority || '|' || missing.person_id as child
    from {{ ref('stg_missing') }} as missing
    inner join years on missing.authority = years.authority
    where missing.start_date between years.year_start and years.year_end
),

last_year as (
    select distinct on (versions.authority, versions.person_id)
        versions.authority || '|' || versions.person_id as child,
        versions.in_touch_code
    from {{ ref('stg_care_leavers_versions') }} as versions
    inner join years on versions.authority = years.authority
    where {{ as_known_at_load('versions', 'years.last_year_load') }}
    order by
        versions.authority asc,
        versions.person_id asc,
        versions.from_load desc,
        versions.in_touch_code asc
),

-- children with an open episode at the end of last year, as known then
open_last_year as (
    select distinct versions.authority || '|' || versions.person_id as child
    from {{ ref('stg_cla_episodes_versions') }} as versions
    inner join years on versions.authority = years.authority
    where
        {{ as_known_at_load('versions', 'years.last_year_load') }}
        and versions.start_date < years.year_start
        and (versions.end_date is null or versions.end_date >= years.year_start)
)

select
    care_leavers.authority,
    care_leavers.record_key,
    care_leavers.person_id,
    care_leavers.in_touch_code,
    care_leavers.in_touch_sent,
    care_leavers.activity_code,
    care_leavers.activity_sent,
    care_leavers.accommodation_code,
    care_leavers.accommodation_sent,
    care_leavers.suitability_code,
    care_leavers.suitability_sent,
    care_leavers.period,
    care_leavers.known_from,
    care_leavers.from_load,
    care_leavers.sentinel_columns,
    care_leavers.unreadable_columns,
    care_leavers.period is not null as is_from_return,
    num_nonnulls(
        care_leavers.in_touch_sent, care_leavers.activity_sent,
        care_leavers.accommodation_sent
    ) > 0 as is_filled,
    years.night,
    years.collection_year,
    years.year_start,
    years.year_end,
    years.as_of_date,
    people.birth_date,
    {{ birthday('people.birth_date', 17) }} as birthday_17,
    {{ birthday('people.birth_date', 18) }} as birthday_18,
    {{ birthday('people.birth_date', 19) }} as birthday_19,
    {{ birthday('people.birth_date', 22) }} as birthday_22,
    coalesce(
        histories.history_start_date <= {{ birthday('people.birth_date', 14) }}, false
    ) as has_history_from_14,
    coalesce(
        histories.history_start_date <= {{ birthday('people.birth_date', 16) }}, false
    ) as has_history_from_16,
    care.child is not null as has_episode,
    coalesce(care.has_episode_in_year, false) as has_episode_in_year,
    coalesce(care.is_looked_after_all_year, false) as is_looked_after_all_year,
    coalesce(care.is_looked_after_at_17, false) as is_looked_after_at_17,
    coalesce(care.is_looked_after_at_18, false) as is_looked_after_at_18,
    care.care_end_date,
    care.final_end_reason_code,
    coalesce(care.has_died_in_care, false) as has_died_in_care,
    coalesce(care.has_been_adopted, false) as has_been_adopted,
    coalesce(care.days_after_14, 0) as days_after_14,
    coalesce(care.days_after_16, 0) as days_after_16,
    uasc.child is not null as is_uasc_in_year,
    health.child is not null as has_health_record,
    adopters.child is not null as has_adoption_record,
    reviews.child is not null as has_review_in_year,
    missing.child is not null as has_missing_in_year,
    last_year.in_touch_code as last_year_in_touch_code,
    open_last_year.child is not null as was_looked_after_last_year
from care_leavers
left join years on care_leavers.authority = years.authority
left join histories on care_leavers.authority = histories.authority
left join people on care_leavers.child = people.child
left join care on care_leavers.child = care.child
left join uasc on care_leavers.child = uasc.child
left join health on care_leavers.child = health.child
left join adopters on care_leavers.child = adopters.child
left join reviews on care_leavers.child = reviews.child
left join missing on care_leavers.child = missing.child
left join last_year on care_leavers.child = last_year.child
left join open_last_year on care_leavers.child = open_last_year.child
