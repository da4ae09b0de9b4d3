-- grain: one row per young person, programme and day of joining it
with

memberships as (
    select * from {{ ref('stg_programme_membership') }}
    where
        person_id is not null
        and programme_code is not null
        and start_date is not null
),

-- of several records with one key, the choice is the same every night
latest as (
    select distinct on (authority, person_id, programme_code, start_date) *
    from memberships
    order by
        authority asc, person_id asc, programme_code asc, start_date asc,
        known_from desc, from_load desc, memberships::text desc
)

select
    {{ surrogate_key(['authority', 'person_id', 'programme_code', 'start_date']) }}
        as membership_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    programme_code,
    coalesce(cohort, 'not recorded') as cohort,
    start_date,
    -- rule PROG-01 reports memberships that end before they start; when they ended is
    -- not known
    case when end_date >= start_date then end_date end as end_date,
    coalesce(end_date < start_date, false) as has_reversed_dates,
    end_reason_code,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key
from latest
