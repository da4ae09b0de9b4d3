-- grain: one row per referral
{{ config(materialized='kept') }}
with

referrals as (
    select
        authority,
        record_key,
        person_id,
        referral_date,
        close_date,
        close_reason_code,
        is_no_further_action,
        referral_source_code,
        primary_need_code,
        team_id,
        worker_id,
        known_from,
        from_load
    from {{ touched(ref('stg_cin_episodes')) }}
    where person_id is not null
),

-- of several current rows with one key, the row that came in last counts
latest as (
    select distinct on (authority, record_key) *
    from referrals
    order by
        authority asc, record_key asc, known_from desc, from_load desc,
        referrals::text desc
),

-- two referrals on one day are not re-referrals of each other: both follow the last one
-- of an earlier day
with_previous as (
    select
        latest.*,
        row_number() over (
            partition by latest.authority, latest.person_id
            order by latest.referral_date, latest.record_key
        ) as referral_number,
        max(latest.referral_date) over (
            partition by latest.authority, latest.person_id
            order by latest.referral_date
            range between unbounded preceding and interval '1 day' preceding
        ) as previous_referral_date
    from latest
)

select
    {{ surrogate_key(['authority', 'record_key']) }} as referral_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    referral_number::integer as referral_number,
    referral_date,
    close_date,
    close_reason_code,
    is_no_further_action,
    referral_source_code as source_code,
    nullif(primary_need_code, 'N0') as need_code,
    {{ surrogate_key(['authority', 'team_id']) }} as team_key,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key,
    previous_referral_date,
    coalesce(
        referral_date <= (previous_referral_date + interval '12 months')::date, false
    ) as is_rereferral_within_12_months
from with_previous
