-- grain: one row per authority, snapshot date, measure and segment
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

care_leavers as (
    select * from {{ ref('fct_leaving_care_snapshot') }}
),

eligibilities as (
    select
        code as eligibility_code,
        lower(description) as segment
    from {{ ref('code_lists') }}
    where code_list = 'eligibility' and code <> 'N'
    union all
    select
        null as eligibility_code,
        'eligibility not recorded' as segment
),

cohort as (
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        count(care_leavers.young_person_key) as total,
        count(care_leavers.young_person_key) filter (where care_leavers.is_open_case)
            as open_count,
        count(care_leavers.young_person_key)
        filter (where care_leavers.is_open_case is null) as unknown_count
    from snapshots
    left join care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.as_at_date
    group by snapshots.authority, snapshots.snapshot_date
),

by_eligibility as (
    select
        cohort.authority,
        cohort.as_at_date,
        cohort.total,
        eligibilities.segment,
        count(care_leavers.young_person_key) as numerator
    from cohort
    cross join eligibilities
    left join care_leavers
        on
            cohort.authority = care_leavers.authority
            and cohort.as_at_date = care_leavers.as_at_date
            and eligibilities.eligibility_code
            is not distinct from care_leavers.eligibility_code
    group by
        cohort.authority, cohort.as_at_date, cohort.total, eligibilities.segment
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        snapshots.authority,
        snapshots.snapshot_date as as_at_date,
        counts.measure,
        counts.segment,
        care_leavers.young_person_key,
        true as is_member,
        counts.is_counted,
        counts.left_out_reason
    from snapshots
    inner join care_leavers
        on
            snapshots.authority = care_leavers.authority
            and snapshots.snapshot_date = care_leavers.as_at_date
    cross join
        lateral ( -- noqa: ST05 (each person counts in several ways)
            select
                'care leavers' as measure,
                'all' as segment,
                true as is_counted,
                null as left_out_reason
            union all
            select
                'open cases' as measure,
                'all' as segment,
                care_leavers.is_open_case as is_counted,
                case
                    when care_leavers.is_open_case is null
                        then 'case status not recorded'
                end as left_out_reason
            union all
            select
                'care leavers' as measure,
                eligibilities.segment,
                (
                    eligibilities.eligibility_code
                    is not distinct from care_leavers.eligibility_code
                ) as is_counted,
                null as left_out_reason
            from eligibilities
        ) as counts
),

{{ people_are('people') }}
measured as (
    select
        authority,
        as_at_date,
        'care leavers' as measure,
        'all' as segment,
        total as numerator,
        null as denominator,
        0 as left_out_count,
        null as left_out_reason
    from cohort
    union all
    select
        authority,
        as_at_date,
        'open cases' as measure,
        'all' as segment,
        open_count as numerator,
        total - unknown_count as denominator,
        unknown_count as left_out_count,
        'case status not recorded: ' || nullif(unknown_count, 0) as left_out_reason
    from cohort
    union all
    select
        authority,
        as_at_date,
        'care leavers' as measure,
        segment,
        numerator,
        total as denominator,
        0 as left_out_count,
        null as left_out_reason
    from by_eligibility
)

select
    authority,
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator::numeric / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    left_out_reason
from measured
