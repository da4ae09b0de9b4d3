-- grain: one row per authority
with

snapshot_loads as (
    select * from {{ ref('bridge_snapshot_load') }}
    where is_latest
),

table_deliveries as (
    select * from {{ ref('stg_table_deliveries') }}
)

select
    snapshot_loads.authority,
    {{ delivers('table_deliveries', ['clae_cla_episode_start_date']) }}
        as has_care_episodes,
    {{ delivers('table_deliveries', ['lega_legal_status']) }} as has_legal_statuses,
    {{ delivers('table_deliveries', ['clap_cla_placement_start_date']) }}
        as has_placements,
    {{ delivers('table_deliveries', ['clap_cla_placement_distance']) }}
        as has_distances,
    {{ delivers('table_deliveries', ['clap_cla_placement_postcode']) }}
    and {{ delivers('table_deliveries', ['larp_postcode']) }} as has_areas,
    {{ delivers('table_deliveries', ['miss_missing_episode_start_date']) }}
        as has_missing_episodes,
    {{ delivers('table_deliveries', ['miss_missing_rhi_offered']) }}
        as has_return_interviews,
    {{ delivers('table_deliveries', ['immi_immigration_status']) }}
        as has_immigration_statuses,
    {{ delivers('table_deliveries', ['invo_professional_id']) }} as has_involvements
from snapshot_loads
inner join table_deliveries on snapshot_loads.load_id = table_deliveries.load_id
group by snapshot_loads.authority
