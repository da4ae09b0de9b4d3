{{ config(tags=['nightly']) }}
-- The answers of in touch, the moves of a year and the ways of a change must each add
-- up: their numerators make the denominator.
with

parts as (
    select
        authority,
        as_at_date,
        'in touch' as whole,
        segment,
        numerator,
        denominator
    from {{ ref('kpi_in_touch') }}
    union all
    select
        authority,
        as_at_date,
        case
            when measure like '%accommodation%' then 'moves'
            else 'workers'
        end as whole,
        segment,
        numerator,
        denominator
    from {{ ref('kpi_leaving_care_moves') }}
    union all
    select
        authority,
        as_at_date,
        'eligibility' as whole,
        'all' as segment,
        numerator,
        denominator
    from {{ ref('kpi_eligibility') }}
    where measure = 'care leavers by derived eligibility'
    union all
    select
        authority,
        as_at_date,
        measure as whole,
        'since ' || earlier_snapshot_date as segment,
        numerator,
        denominator
    from {{ ref('kpi_matched_change') }}
)

select
    authority,
    as_at_date,
    whole,
    segment
from parts
group by authority, as_at_date, whole, segment
having sum(numerator) <> max(denominator) or min(denominator) <> max(denominator)
