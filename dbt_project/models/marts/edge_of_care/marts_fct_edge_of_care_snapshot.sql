-- grain: one row per young person, cohort of an edge-of-care programme and report date
with

edge_of_care_snapshot as (
    select * from {{ ref('fct_edge_of_care_snapshot') }}
)

select
    cohort_key,
    young_person_key,
    as_at_date,
    authority,
    programme_code,
    cohort,
    start_date,
    plan_at_start_code,
    plan_now_code,
    has_entered_care,
    has_reentered_care
from edge_of_care_snapshot
