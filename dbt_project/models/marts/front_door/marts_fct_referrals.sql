-- grain: one row per referral
with

referrals as (
    select * from {{ ref('fct_referrals') }}
)

select
    referral_key,
    young_person_key,
    authority,
    referral_date,
    close_date,
    close_reason_code,
    is_no_further_action,
    source_code,
    need_code,
    team_key,
    worker_key,
    previous_referral_date,
    is_rereferral_within_12_months
from referrals
