-- grain: one row per care leaver per snapshot date
with

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
)

select
    young_person_key,
    authority,
    as_at_date,
    sex_code,
    ethnicity_code,
    age_years,
    need_code,
    is_uasc,
    uasc_left_out_reason,
    is_mother,
    mother_left_out_reason,
    eligibility_code,
    is_open_case,
    is_children_with_disabilities_team,
    in_touch_code,
    activity_code,
    eet_status_code,
    eet_recorded_date,
    is_eet_left_out,
    eet_left_out_reason,
    accommodation_code,
    suitability_code,
    is_suitable_accommodation,
    accommodation_left_out_reason,
    is_staying_put,
    staying_put_left_out_reason,
    pathway_plan_review_date,
    has_pathway_plan,
    pathway_plan_left_out_reason,
    team_key,
    worker_key,
    personal_adviser_key,
    has_several_records,
    known_from
from care_leavers
