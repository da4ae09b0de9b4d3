-- grain: one row per contact
{{ config(**person_wise()) }}
with

contacts as (
    select
        authority,
        record_key,
        person_id,
        contact_date,
        contact_source_code,
        known_from,
        from_load
    from {{ touched(ref('stg_contacts')) }}
    where person_id is not null
),

-- several current rows with one key count once: the latest row that came in
latest as (
    select distinct on (authority, record_key) *
    from contacts
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        contacts::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as contact_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    contact_date,
    contact_source_code as source_code
from latest
