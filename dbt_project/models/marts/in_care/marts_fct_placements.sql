-- grain: one row per young person and placement within a period of care
with

placements as (
    select * from {{ ref('fct_placements') }}
)

select
    placement_key,
    care_period_key,
    young_person_key,
    authority,
    placement_number,
    home_number,
    start_date,
    end_date,
    day_count,
    settled_from_date,
    placement_type_code,
    placement_group,
    is_temporary,
    is_move,
    provider_code,
    provider_key,
    distance_miles,
    is_over_20_miles,
    is_in_area,
    change_reason_code,
    is_planned_end,
    destination,
    is_end_of_care,
    weekly_cost_gbp,
    programme_code,
    carer_key,
    record_count,
    is_cut_to_care,
    is_overlap_clipped,
    is_open_end_closed
from placements
