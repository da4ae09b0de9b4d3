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
    {{ delivers('table_deliveries', ['invo_professional_id']) }} as has_involvements,
    {{ delivers('table_deliveries', ['clah_health_check_date']) }}
        as has_health_checks,
    {{ delivers('table_deliveries', ['clai_immunisations_status']) }}
        as has_immunisations,
    {{ delivers('table_deliveries', ['csdq_sdq_score']) }} as has_sdq_scores,
    {{ delivers('table_deliveries', ['clas_substance_misuse_date']) }}
        as has_substance_misuse,
    {{ delivers('table_deliveries', ['clac_cla_conviction_date']) }}
        as has_convictions,
    {{ delivers('table_deliveries', ['perm_permanence_order_date']) }}
        as has_permanence,
    {{ delivers('table_deliveries', ['lapp_previous_permanence_option']) }}
        as has_previous_permanence,
    {{ delivers('table_deliveries', ['pers_send_flag']) }} as has_ehc_plan_flags,
    {{ delivers('table_deliveries', ['lacp_cla_care_plan_json']) }} as has_care_plans,
    {{ delivers('table_deliveries', ['clae_cla_last_iro_contact_date']) }}
        as has_iro_contacts,
    {{ delivers('table_deliveries', ['fami_family_id']) }} as has_families,
    {{ delivers('table_deliveries', ['disa_disability_code']) }} as has_disabilities
from snapshot_loads
inner join table_deliveries on snapshot_loads.load_id = table_deliveries.load_id
group by snapshot_loads.authority
