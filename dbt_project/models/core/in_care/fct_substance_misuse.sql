-- grain: one row per record of a young person's substance misuse
with

records as (
    select * from {{ ref('stg_cla_substance_misuse') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    where
        person_id is not null
        and misuse_date is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as substance_misuse_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    misuse_date,
    has_received_intervention
from latest
