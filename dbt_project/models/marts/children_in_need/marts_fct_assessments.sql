-- grain: one row per assessment
with

assessments as (
    select * from {{ ref('fct_assessments') }}
)

select
    assessment_key,
    young_person_key,
    authority,
    referral_key,
    start_date,
    authorised_date,
    is_no_further_action,
    team_key,
    worker_key,
    is_from_referral,
    clock_start_date,
    referral_close_date,
    working_day_count,
    is_within_45_working_days
from assessments
