-- grain: one row per enquiry under section 47
with

enquiries as (
    select * from {{ ref('fct_enquiries') }}
)

select
    enquiry_key,
    young_person_key,
    authority,
    referral_key,
    start_date,
    end_date,
    is_no_further_action,
    team_key,
    worker_key,
    has_conference,
    conference_date,
    working_day_count,
    is_conference_within_15_working_days
from enquiries
