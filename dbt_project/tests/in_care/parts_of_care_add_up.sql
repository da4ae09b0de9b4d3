{{ config(tags=['nightly']) }}
-- Ages, needs, legal statuses and placement groups are each the whole of those who are
-- measured, and with those left out they are all children looked after.
with

parts as (
    select
        authority,
        snapshot_date,
        case
            when segment like 'aged %' then 'age'
            when segment like 'need: %' then 'need'
            else 'legal status'
        end as whole,
        numerator,
        denominator,
        left_out_count
    from {{ ref('kpi_looked_after') }}
    where measure = 'looked after' and segment not in ('all', 'UASC')
    union all
    select
        authority,
        snapshot_date,
        measure as whole,
        numerator,
        denominator,
        left_out_count
    from {{ ref('kpi_placement_mix') }}
    where measure = 'placement group'
),

children as (
    select
        authority,
        snapshot_date,
        numerator as child_count
    from {{ ref('kpi_looked_after') }}
    where measure = 'looked after' and segment = 'all'
)

select
    parts.authority,
    parts.snapshot_date,
    parts.whole
from parts
inner join children
    on
        parts.authority = children.authority
        and parts.snapshot_date = children.snapshot_date
group by parts.authority, parts.snapshot_date, parts.whole, children.child_count
having
    sum(parts.numerator) <> max(parts.denominator)
    or max(parts.denominator) + max(parts.left_out_count) <> max(children.child_count)
