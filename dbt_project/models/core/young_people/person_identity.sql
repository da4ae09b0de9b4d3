-- grain: one row per young person whom the source holds now
{{ config(materialized='kept') }}
with

people as (
    select
        authority,
        person_id,
        forename,
        surname,
        birth_date,
        common_child_id,
        upn,
        legacy_id,
        known_from,
        from_load
    from {{ touched(ref('stg_person')) }}
    where person_id is not null
),

latest as (
    select distinct on (people.authority, people.person_id) people.*
    from people
    order by
        people.authority asc, people.person_id asc,
        people.known_from desc, people.from_load desc,
        people.birth_date asc nulls last, people::text desc
)

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    person_id,
    forename,
    surname,
    birth_date,
    common_child_id,
    upn,
    legacy_id
from latest
