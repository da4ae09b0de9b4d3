-- grain: one row per looked-after child per report date
with

looked_after as (
    select * from {{ ref('fct_looked_after') }}
)

select
    young_person_key,
    authority,
    as_at_date,
    care_period_key,
    care_start_date,
    care_day_count,
    age_years,
    age_band,
    need_code,
    is_uasc,
    legal_status_code,
    placement_key,
    placement_start_date,
    placement_type_code,
    placement_group,
    provider_code,
    provider_key,
    distance_miles,
    is_over_20_miles,
    is_in_area,
    weekly_cost_gbp,
    programme_code,
    settled_from_date,
    placement_count_12_months,
    move_count_12_months,
    is_long_stay,
    is_settled
from looked_after
