-- grain: one row per authority, young person, day of interview and service
with

services as (
    select * from {{ ref('stg_services_used') }}
),

-- a service that is on no code list still counts as a service
named as (
    select
        authority,
        person_id,
        interview_date,
        coalesce(service_code, lower(btrim(service_sent))) as service_name,
        max(service_code) as service_code
    from services
    where
        person_id is not null
        and interview_date is not null
        and service_sent is not null
    group by
        authority, person_id, interview_date,
        coalesce(service_code, lower(btrim(service_sent)))
)

select
    {{ surrogate_key(['authority', 'person_id', 'interview_date', 'service_name']) }}
        as service_used_key,
    {{ surrogate_key(['authority', 'person_id', 'interview_date']) }} as interview_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    interview_date,
    service_code
from named
