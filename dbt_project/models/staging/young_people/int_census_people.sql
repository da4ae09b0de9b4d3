-- grain: one row per person of ssd_person, with the dates of their life
select
    authority,
    person_id,
    min(birth_date) as birth_date,
    min(expected_birth_date) as expected_birth_date,
    min(death_date) as death_date
from {{ ref('stg_person') }}
where person_id is not null
group by authority, person_id
