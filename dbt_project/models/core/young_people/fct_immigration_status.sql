-- grain: one row per young person and immigration status record
with

immigration_statuses as (
    select * from {{ ref('stg_immigration_status') }}
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from immigration_statuses
    where person_id is not null
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        immigration_statuses::text desc
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as immigration_status_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    immigration_status_code,
    start_date,
    end_date,
    coalesce(immigration_status_code = 'UASC', false) as is_uasc
from latest
