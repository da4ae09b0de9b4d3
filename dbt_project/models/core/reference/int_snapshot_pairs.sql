-- grain: one row per authority and two snapshot dates that are compared
-- Each snapshot is compared with the one before it and with every published one
-- before it.
{{ config(materialized='view') }}
with

snapshots as (
    select
        *,
        lag(snapshot_date) over (partition by authority order by snapshot_date)
            as previous_date
    from {{ ref('dim_snapshot') }}
)

select
    later.authority,
    earlier.snapshot_date as earlier_snapshot_date,
    later.snapshot_date as as_at_date
from snapshots as later
inner join snapshots as earlier
    on
        later.authority = earlier.authority
        and later.snapshot_date > earlier.snapshot_date
        and (
            later.previous_date = earlier.snapshot_date
            or earlier.is_published_date
        )
