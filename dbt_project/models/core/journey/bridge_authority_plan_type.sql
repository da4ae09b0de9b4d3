-- grain: one row per authority and type of plan
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
    where is_latest
),

snapshot_loads as (
    select * from {{ ref('bridge_snapshot_load') }}
    where is_latest
),

table_deliveries as (
    select * from {{ ref('stg_table_deliveries') }}
),

delivered as (
    select
        snapshot_loads.authority,
        {{ delivers('table_deliveries', ['earl_episode_start_date']) }}
            as has_early_help,
        {{ delivers('table_deliveries', ['cinp_cin_plan_start_date']) }}
            as has_child_in_need,
        {{ delivers('table_deliveries', ['cppl_cp_plan_start_date']) }}
            as has_child_protection,
        {{ delivers('table_deliveries', ['clae_cla_episode_start_date']) }}
            as has_looked_after
    from snapshot_loads
    inner join table_deliveries on snapshot_loads.load_id = table_deliveries.load_id
    group by snapshot_loads.authority
)

select
    snapshots.authority,
    plan_types.plan_type_code,
    coalesce(plan_types.is_delivered, false) as is_delivered
from snapshots
left join delivered on snapshots.authority = delivered.authority
cross join lateral (
    values
    ('NONE', true),
    ('EH', delivered.has_early_help),
    ('CIN', delivered.has_child_in_need),
    ('CP', delivered.has_child_protection),
    ('LAC', delivered.has_looked_after)
) as plan_types (plan_type_code, is_delivered)
