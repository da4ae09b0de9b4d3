-- grain: one row per recorded or derived care leaver per snapshot date
with

eligibilities as (
    select * from {{ ref('fct_care_leaver_eligibility') }}
)

select
    young_person_key,
    authority,
    as_at_date,
    is_recorded,
    recorded_eligibility_code,
    derived_eligibility_code,
    is_agreed,
    not_derived_reason,
    has_13_weeks_since_14,
    is_looked_after
from eligibilities
