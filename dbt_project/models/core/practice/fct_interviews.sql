-- grain: one row per authority, young person and day of interview
with

interviews as (
    select * from {{ ref('stg_interviews') }}
),

services_used as (
    select * from {{ ref('fct_services_used') }}
),

latest as (
    select distinct on (authority, person_id, interview_date)
        *,
        {{ surrogate_key(['authority', 'person_id', 'interview_date']) }}
            as interview_key
    from interviews
    where person_id is not null and interview_date is not null
    order by
        authority asc, person_id asc, interview_date asc, known_from desc,
        from_load desc, interviews::text desc
),

service_counts as (
    select
        authority,
        interview_key,
        count(*)::integer as service_count
    from services_used
    group by authority, interview_key
)

select
    latest.interview_key,
    {{ surrogate_key(['latest.authority', 'latest.person_id']) }} as young_person_key,
    latest.authority,
    latest.interview_date,
    latest.phase_code,
    latest.is_care_leaver,
    latest.has_plan,
    latest.is_involved_in_plan,
    service_counts.service_count,
    {{ surrogate_key(['latest.authority', 'latest.team_id']) }} as team_key
from latest
left join service_counts
    on
        latest.authority = service_counts.authority
        and latest.interview_key = service_counts.interview_key
