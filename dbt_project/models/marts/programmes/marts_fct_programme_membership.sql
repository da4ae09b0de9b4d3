-- grain: one row per young person, programme and day of joining it
with

programme_membership as (
    select * from {{ ref('fct_programme_membership') }}
)

select
    membership_key,
    young_person_key,
    authority,
    programme_code,
    cohort,
    start_date,
    end_date,
    has_reversed_dates,
    end_reason_code,
    team_key
from programme_membership
