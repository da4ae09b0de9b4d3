-- grain: one row per authority, snapshot date and category of need
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

-- every category has its row, including one without members
categories as (
    select
        code as need_code,
        code || ' ' || lower(description) as measure,
        sort_order as category_order
    from {{ ref('code_lists') }}
    where code_list = 'need' and code <> 'N0'
    union all
    select
        null as need_code,
        'not recorded' as measure,
        99 as category_order
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        care_leavers.authority,
        care_leavers.as_at_date,
        categories.measure,
        'all' as segment,
        care_leavers.young_person_key,
        true as is_member,
        (
            categories.need_code is not distinct from care_leavers.need_code
        ) as is_counted,
        null::text as left_out_reason
    from care_leavers
    cross join categories
),

{{ people_are('people') }}
cohort as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        count(care_leavers.as_at_date) as denominator
    from snapshots
    left join care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.as_at_date
    group by snapshots.authority, snapshots.snapshot_date
),

counted as (
    select
        authority,
        as_at_date,
        need_code,
        count(*) as numerator
    from care_leavers
    group by authority, as_at_date, need_code
)

select
    cohort.authority,
    cohort.as_at_date,
    categories.measure,
    'all' as segment,
    coalesce(counted.numerator, 0)::integer as numerator,
    cohort.denominator::integer as denominator,
    round(coalesce(counted.numerator, 0)::numeric / nullif(cohort.denominator, 0), 6)
        as share,
    0 as left_out_count,
    null::text as left_out_reason,
    categories.need_code,
    categories.category_order
from cohort
cross join categories
left join counted
    on
        cohort.authority = counted.authority
        and cohort.as_at_date = counted.as_at_date
        and categories.need_code is not distinct from counted.need_code
