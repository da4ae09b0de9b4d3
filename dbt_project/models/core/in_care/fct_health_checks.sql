-- grain: one row per health or dental check of a young person
with

records as (
    select * from {{ ref('stg_cla_health') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from records
    where
        person_id is not null
        and check_date is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        records::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as health_check_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    case
        when check_type ~* 'dental|teeth' then 'dental check'
        when check_type ~* 'surveillance|development' then 'development check'
        when check_type ~* 'health' then 'health assessment'
        else 'other check'
    end as check_kind,
    check_date,
    check_status_code,
    check_status_code = 'COMPLETED' as is_completed
from latest
