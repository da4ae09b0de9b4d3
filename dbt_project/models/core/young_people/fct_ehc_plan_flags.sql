-- grain: one row per young person whose record says if they have an EHC plan
with

people as (
    select * from {{ ref('stg_person') }}
),

-- of several current rows of one person, the row that came in last counts
latest as (
    select distinct on (authority, person_id)
        authority,
        person_id,
        has_ehc_plan
    from people
    where person_id is not null
    order by
        authority asc, person_id asc, known_from desc, from_load desc,
        people::text desc
)

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    has_ehc_plan
from latest
where has_ehc_plan is not null
