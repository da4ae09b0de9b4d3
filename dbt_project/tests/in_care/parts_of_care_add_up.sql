{{ config(tags=['nightly']) }}
-- Ages, needs, legal statuses and placement groups must each add up to all children who
-- are measured. With those left out, they must add up to all children looked after.
with

parts as (
    select
        authority,
        as_at_date,
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
        as_at_date,
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
        as_at_date,
        numerator as child_count
    from {{ ref('kpi_looked_after') }}
    where measure = 'looked after' and segment = 'all'
)

select
    parts.authority,
    parts.as_at_date,
    parts.whole
from parts
inner join children
    on
        parts.authority = children.authority
        and parts.as_at_date = children.as_at_date
group by parts.authority, parts.as_at_date, parts.whole, children.child_count
having
    sum(parts.numerator) <> max(parts.denominator)
    or max(parts.denominator) + max(parts.left_out_count) <> max(children.child_count)
