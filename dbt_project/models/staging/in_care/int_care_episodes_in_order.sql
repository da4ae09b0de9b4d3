-- grain: one row per current record of ssd_cla_episodes, with the start of the child's
-- next one
select
    episodes.authority,
    episodes.record_key,
    episodes.person_id,
    episodes.start_date,
    episodes.start_reason_code,
    episodes.start_reason_sent,
    episodes.primary_need_code,
    episodes.primary_need_sent,
    episodes.end_date,
    episodes.end_reason_code,
    episodes.end_reason_sent,
    episodes.cla_id,
    episodes.referral_id,
    episodes.placement_id,
    episodes.entered_care_date,
    episodes.last_iro_contact_date,
    episodes.period,
    episodes.known_from,
    episodes.from_load,
    episodes.sentinel_columns,
    episodes.unreadable_columns,
    -- the next record of the same day is its twin, which rule REC-02 reports
    min(episodes.start_date) over (
        partition by episodes.authority, episodes.person_id
        order by episodes.start_date
        range between interval '1 day' following and unbounded following
    ) as next_start_date,
    cutoffs.night
from {{ ref('stg_cla_episodes') }} as episodes
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on episodes.authority = cutoffs.authority
