-- grain: one row per authority, snapshot date and load that counts for it
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

loads as (
    select * from {{ ref('stg_loads') }}
    where state = 'loaded'
)

-- the last load of each source counts, and of each collection year of a return
select distinct on (
    snapshots.authority, snapshots.snapshot_date, loads.source, loads.period
)
    snapshots.authority,
    snapshots.snapshot_date,
    loads.load_id,
    snapshots.is_latest
from snapshots
inner join loads
    on
        snapshots.authority = loads.authority
        and snapshots.load_id >= loads.load_id
order by
    snapshots.authority asc, snapshots.snapshot_date asc, loads.source asc,
    loads.period asc, loads.load_id desc
