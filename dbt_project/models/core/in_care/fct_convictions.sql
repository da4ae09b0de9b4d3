-- grain: one row per conviction or caution of a young person
with

records as (
    select * from {{ ref('stg_cla_convictions') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    where
        person_id is not null
        and offence_date is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as conviction_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    offence_date
from latest
