-- grain: one row per earlier permanence option of a young person
with

records as (
    select * from {{ ref('stg_cla_previous_permanence') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    where
        person_id is not null
        and permanence_option_code is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as previous_permanence_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    order_date,
    permanence_option_code
from latest
