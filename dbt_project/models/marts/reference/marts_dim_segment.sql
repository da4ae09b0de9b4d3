-- grain: one row per authority and segment
with

segments as (
    select * from {{ ref('dim_segment') }}
)

select
    authority,
    segment,
    segment_kind,
    segment_order,
    cohort_key,
    eligibility_code,
    need_code,
    panel_code,
    placement_group,
    plan_type_code,
    programme_code,
    team_key
from segments
