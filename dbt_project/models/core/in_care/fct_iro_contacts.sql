-- grain: one row per young person and day of an IRO's contact
{{ config(materialized='kept') }}

select
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    last_iro_contact_date as contact_date
from {{ touched(ref('stg_cla_episodes')) }}
where person_id is not null and last_iro_contact_date is not null
group by authority, person_id, last_iro_contact_date
