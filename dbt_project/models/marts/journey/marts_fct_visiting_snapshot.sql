-- grain: one row per young person on a plan that has to be visited and report date
with

visiting as (
    select * from {{ ref('fct_visiting_snapshot') }}
)

select
    young_person_key,
    authority,
    as_at_date,
    plan_type_code,
    plan_from_date,
    in_time_from_date,
    last_visit_date,
    is_visited_in_time,
    is_new_to_plan
from visiting
