-- grain: one row per current record of ssd_cla_episodes, with the child's life, their
-- placements and legal statuses, and the latest return
with

episodes as (
    select
        episodes.*,
        cutoffs.night,
        max(episodes.period) over (partition by episodes.authority) as latest_period
    from {{ ref('stg_cla_episodes') }} as episodes
    left join {{ source('ops', 'cutoffs') }} as cutoffs
        on episodes.authority = cutoffs.authority
),

people as (
    select
        authority,
        person_id,
        min(birth_date) as birth_date,
        max(death_date) as death_date
    from {{ ref('stg_person') }}
    where person_id is not null
    group by authority, person_id
),

placements as (
    select
        authority,
        child_id,
        range_agg(daterange(start_date, end_date)) as days
    from {{ ref('int_placements_in_care') }}
    where start_date is not null and coalesce(end_date > start_date, true)
    group by authority, child_id
),

legal_statuses as (
    select
        authority,
        person_id,
        range_agg(daterange(start_date, end_date)) as days
    from {{ ref('stg_legal_status') }}
    where
        person_id is not null
        and start_date is not null
        and coalesce(end_date > start_date, true)
    group by authority, person_id
)

select
    episodes.authority,
    episodes.record_key,
    episodes.person_id,
    episodes.start_date,
    episodes.end_date,
    episodes.end_reason_code,
    episodes.entered_care_date,
    episodes.period,
    episodes.latest_period,
    people.birth_date,
    people.death_date,
    episodes.start_date <= episodes.night
    and coalesce(episodes.end_date > episodes.night, true) as is_open,
    coalesce(placements.days @> episodes.night, false) as has_placement_tonight,
    coalesce(legal_statuses.days @> episodes.night, false)
        as has_legal_status_tonight,
    episodes.night
from episodes
left join people
    on
        episodes.authority = people.authority
        and episodes.person_id = people.person_id
left join placements
    on
        episodes.authority = placements.authority
        and episodes.person_id = placements.child_id
left join legal_statuses
    on
        episodes.authority = legal_statuses.authority
        and episodes.person_id = legal_statuses.person_id
