-- grain: one row per authority
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

loads as (
    select * from {{ ref('stg_loads') }}
    where state = 'loaded'
),

table_deliveries as (
    select * from {{ ref('stg_table_deliveries') }}
),

-- of each source, and of each collection year of a return, the last load counts
known_loads as (
    select distinct on (snapshots.authority, loads.source, loads.period)
        snapshots.authority,
        loads.load_id
    from snapshots
    inner join loads
        on
            snapshots.authority = loads.authority
            and snapshots.load_id >= loads.load_id
    order by
        snapshots.authority asc, loads.source asc, loads.period asc, loads.load_id desc
)

select
    known_loads.authority,
    {{ delivers('table_deliveries', ['clae_cla_episode_start_date']) }}
        as has_care_episodes,
    {{ delivers('table_deliveries', ['lega_legal_status']) }} as has_legal_statuses,
    {{ delivers('table_deliveries', ['clap_cla_placement_start_date']) }}
        as has_placements,
    {{ delivers('table_deliveries', ['clap_cla_placement_distance']) }}
        as has_distances,
    {{ delivers('table_deliveries', ['miss_missing_episode_start_date']) }}
        as has_missing_episodes,
    {{ delivers('table_deliveries', ['miss_missing_rhi_offered']) }}
        as has_return_interviews,
    {{ delivers('table_deliveries', ['immi_immigration_status']) }}
        as has_immigration_statuses
from known_loads
inner join table_deliveries on known_loads.load_id = table_deliveries.load_id
group by known_loads.authority
