-- grain: one row per current record of ssd_cla_placement, with the child's next one and
-- whether any episode of care overlaps it
with

-- some vendors' placements name no child: the episodes that refer to them do
children as (
    select
        authority,
        placement_id,
        min(person_id) as person_id
    from {{ ref('stg_cla_episodes') }}
    where placement_id is not null and person_id is not null
    group by authority, placement_id
),

care as (
    select
        authority,
        person_id,
        range_agg(daterange(start_date, end_date)) as days
    from {{ ref('stg_cla_episodes') }}
    where
        person_id is not null
        and start_date is not null
        and coalesce(end_date > start_date, true)
    group by authority, person_id
),

placements as (
    select
        placements.*,
        coalesce(placements.person_id, children.person_id) as child_id
    from {{ ref('stg_cla_placement') }} as placements
    left join children
        on
            placements.authority = children.authority
            and placements.placement_id = children.placement_id
)

select
    placements.authority,
    placements.record_key,
    placements.placement_id,
    placements.start_date,
    placements.placement_type_code,
    placements.placement_type_sent,
    placements.provider_urn,
    placements.distance_miles,
    placements.cla_id,
    placements.provider_code,
    placements.provider_sent,
    placements.postcode,
    placements.end_date,
    placements.change_reason_code,
    placements.change_reason_sent,
    placements.person_id,
    placements.period,
    placements.known_from,
    placements.from_load,
    placements.sentinel_columns,
    placements.unreadable_columns,
    placements.child_id,
    -- a temporary placement (T0 to T4) is not the next one, and placements of unknown
    -- children are not compared with each other
    min(placements.start_date)
    filter (where coalesce(placements.placement_type_code, '') !~ '^T[0-4]$') over (
        partition by
            placements.authority,
            coalesce(placements.child_id, '|' || placements.record_key)
        order by placements.start_date
        range between interval '1 day' following and unbounded following
    ) as next_start_date,
    coalesce(
        case
            when coalesce(placements.end_date > placements.start_date, true)
                then care.days && daterange(placements.start_date, placements.end_date)
        end,
        false
    ) as is_in_care,
    cutoffs.night
from placements
left join {{ source('ops', 'cutoffs') }} as cutoffs
    on placements.authority = cutoffs.authority
left join care
    on
        placements.authority = care.authority
        and placements.child_id = care.person_id
