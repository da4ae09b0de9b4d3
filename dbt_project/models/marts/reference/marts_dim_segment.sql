-- grain: one row per authority and segment
with

segments as (
    select * from {{ ref('dim_segment') }}
)

select
    authority,
    segment,
    segment_code,
    segment_kind,
    is_total,
    is_additive,
    age_band,
    sex,
    ethnicity_group,
    disability,
    team,
    need,
    plan_type,
    cohort,
    legal_status,
    provider,
    duration,
    reason,
    category,
    source,
    case_status,
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
