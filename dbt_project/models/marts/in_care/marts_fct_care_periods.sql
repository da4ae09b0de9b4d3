-- grain: one row per young person and period of care
with

care_periods as (
    select * from {{ ref('fct_care_periods') }}
)

select
    care_period_key,
    young_person_key,
    authority,
    period_number,
    start_date,
    end_date,
    day_count,
    need_code,
    first_need_code,
    first_legal_status_code,
    end_reason_code,
    is_chain_broken,
    previous_end_date,
    previous_end_reason_code,
    gap_day_count,
    is_reentry_within_12_months,
    episode_count,
    overlap_count,
    closed_open_end_count
from care_periods
