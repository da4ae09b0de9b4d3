-- grain: one row per cohort and segment in which it is measured
with

cohorts as (
    select * from {{ ref('dim_cohort') }}
),

cohort_groups as (
    select * from {{ ref('cohort_groups') }}
),

-- a group is measured once the last of its cohorts has begun
grouped as (
    select
        cohorts.*,
        cohort_groups.cohort_group,
        max(cohorts.first_start_date) over segments as segment_start_date,
        count(*) over segments as cohort_count
    from cohorts
    inner join cohort_groups
        on
            cohorts.programme_code = cohort_groups.programme_code
            and cohorts.cohort = cohort_groups.cohort
            and cohorts.authority
            = coalesce(cohort_groups.authority, cohorts.authority)
    window
        segments as (
            partition by
                cohorts.authority, cohorts.programme_code, cohort_groups.cohort_group
        )
),

authorities as (
    select authority
    from cohorts
    group by authority
),

-- how many cohorts the group names for this authority, whether they have begun or not
group_sizes as (
    select
        authorities.authority,
        cohort_groups.programme_code,
        cohort_groups.cohort_group,
        count(distinct cohort_groups.cohort) as cohort_count
    from cohort_groups
    inner join authorities
        on
            authorities.authority
            = coalesce(cohort_groups.authority, authorities.authority)
    group by
        authorities.authority, cohort_groups.programme_code, cohort_groups.cohort_group
),

segments as (
    select
        cohort_key,
        authority,
        programme_code,
        cohort,
        programme || ', cohort ' || cohort as segment,
        first_start_date as segment_start_date
    from cohorts
    union all
    select
        cohort_key,
        authority,
        programme_code,
        cohort,
        programme || ', all cohorts' as segment,
        min(first_start_date) over (partition by authority, programme_code)
            as segment_start_date
    from cohorts
    union all
    select
        grouped.cohort_key,
        grouped.authority,
        grouped.programme_code,
        grouped.cohort,
        grouped.programme || ', ' || grouped.cohort_group as segment,
        grouped.segment_start_date
    from grouped
    inner join group_sizes
        on
            grouped.authority = group_sizes.authority
            and grouped.programme_code = group_sizes.programme_code
            and grouped.cohort_group = group_sizes.cohort_group
            and grouped.cohort_count = group_sizes.cohort_count
)

select
    cohort_key,
    segment,
    authority,
    programme_code,
    cohort,
    segment_start_date
from segments
