-- grain: one row per authority, programme and cohort
with

cohorts as (
    select * from {{ ref('dim_cohort') }}
)

select
    cohort_key,
    authority,
    programme_code,
    programme,
    programme_kind,
    cohort,
    first_start_date
from cohorts
