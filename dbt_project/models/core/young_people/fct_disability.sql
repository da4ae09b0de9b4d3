-- grain: one row per young person with a record of disability
with

records as (
    select
        authority,
        person_id,
        disability_code
    from {{ ref('stg_disability') }}
    where person_id is not null and disability_code is not null
)

-- a disability counts even where another record says that there is none
select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    bool_or(disability_code <> 'NONE') as is_disabled,
    (count(distinct disability_code) filter (where disability_code <> 'NONE'))::integer
        as disability_count
from records
group by authority, person_id
