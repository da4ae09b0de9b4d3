-- grain: one row per young person ever known
{{ config(materialized='kept') }}
with

people as (
    select
        authority,
        person_id,
        sex_code,
        gender_code,
        ethnicity_code,
        date_trunc('month', birth_date)::date as birth_month_date,
        date_trunc('month', death_date)::date as death_month_date,
        known_from,
        from_load,
        to_load
    from {{ touched(ref('stg_person_versions')) }}
    where person_id is not null
),

care_leavers as (
    select
        authority,
        person_id
    from {{ touched(ref('stg_care_leavers_versions')) }}
    where person_id is not null
),

-- a current row counts before one that the source has deleted, and a later one before
-- an earlier one; among several current rows the choice is the same every night
ranked as (
    select
        people.*,
        row_number() over (
            partition by people.authority, people.person_id
            order by
                people.to_load desc nulls first, people.known_from desc,
                people.from_load desc, people::text desc
        ) as preference,
        count(*) filter (where people.to_load is null) over (
            partition by people.authority, people.person_id
        ) as current_count
    from people
),

latest as (
    select * from ranked
    where preference = 1
),

-- includes young people whom only a care-leaver record names
young_people as (
    select
        authority,
        person_id
    from latest
    union
    select
        authority,
        person_id
    from care_leavers
)

select
    {{ surrogate_key(['young_people.authority', 'young_people.person_id']) }}
        as young_person_key,
    young_people.authority,
    latest.sex_code,
    latest.gender_code,
    latest.ethnicity_code,
    latest.birth_month_date,
    latest.death_month_date,
    coalesce(latest.current_count, 0) > 0 as is_current,
    coalesce(latest.current_count, 0) > 1 as has_several_records
from young_people
left join latest
    on
        young_people.authority = latest.authority
        and young_people.person_id = latest.person_id
