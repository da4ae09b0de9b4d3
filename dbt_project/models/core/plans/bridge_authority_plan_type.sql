-- grain: one row per authority and type of plan
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
        snapshots.authority asc, loads.source asc, loads.period asc,
        loads.load_id desc
),

delivered as (
    select
        known_loads.authority,
        {{ delivers('table_deliveries', ['earl_episode_start_date']) }}
            as has_early_help,
        {{ delivers('table_deliveries', ['cinp_cin_plan_start_date']) }}
            as has_child_in_need,
        {{ delivers('table_deliveries', ['cppl_cp_plan_start_date']) }}
            as has_child_protection,
        {{ delivers('table_deliveries', ['clae_cla_episode_start_date']) }}
            as has_looked_after
    from known_loads
    inner join table_deliveries on known_loads.load_id = table_deliveries.load_id
    group by known_loads.authority
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
