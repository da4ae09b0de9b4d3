-- grain: one row per placement, programme that provides it and report date
with

programme_placement_snapshot as (
    select * from {{ ref('fct_programme_placement_snapshot') }}
)

select
    placement_key,
    programme_code,
    as_at_date,
    authority,
    young_person_key,
    start_date,
    end_date,
    is_ongoing,
    destination,
    is_planned_end,
    programme_start_date,
    programme_year,
    is_over_a_year,
    day_count,
    uncosted_day_count,
    cost_gbp,
    mean_weekly_cost_gbp
from programme_placement_snapshot
