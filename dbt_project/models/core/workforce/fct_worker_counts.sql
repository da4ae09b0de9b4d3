-- grain: one row per young person and time with as many social workers in 12 months
{{ config(materialized='kept') }}
with

allocations as (
    select * from {{ touched(ref('fct_allocations')) }}
    where role_code = 'SW'
),

referrals as (
    {{ referrals_with_cases() }}
),

-- several open cases of a young person count as one
open_cases as (
    select
        authority,
        young_person_key,
        unnest(range_agg(daterange(referral_date, close_date))) as case_days
    from referrals
    group by authority, young_person_key
),

-- A worker counts until the last day with the case is more than 12 months back. A
-- worker who held the case twice counts once.
counting as (
    select
        young_person_key,
        worker_key,
        unnest(
            range_agg(
                daterange(start_date, (end_date - 1 + interval '12 months')::date)
            )
        ) as counted_days
    from allocations
    group by young_person_key, worker_key
),

-- the days of change: a case opens, or a worker begins or ceases to count
changes as (
    select
        authority,
        young_person_key,
        case_days,
        lower(case_days) as from_date,
        0 as difference
    from open_cases
    union all
    select
        open_cases.authority,
        open_cases.young_person_key,
        open_cases.case_days,
        greatest(lower(counting.counted_days), lower(open_cases.case_days))
            as from_date,
        1 as difference
    from open_cases
    inner join counting
        on
            open_cases.young_person_key = counting.young_person_key
            and open_cases.case_days && counting.counted_days
    union all
    select
        open_cases.authority,
        open_cases.young_person_key,
        open_cases.case_days,
        upper(counting.counted_days) as from_date,
        -1 as difference
    from open_cases
    inner join counting
        on
            open_cases.young_person_key = counting.young_person_key
            and open_cases.case_days && counting.counted_days
    where open_cases.case_days @> upper(counting.counted_days)
),

by_day as (
    select
        authority,
        young_person_key,
        case_days,
        from_date,
        sum(difference) as difference
    from changes
    group by authority, young_person_key, case_days, from_date
)

select
    young_person_key,
    from_date,
    authority,
    coalesce(lead(from_date) over case_order, upper(case_days)) as to_date,
    (sum(difference) over case_order)::integer as worker_count
from by_day
window case_order as (
    partition by young_person_key, case_days
    order by from_date
)
