-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
    where is_no_further_action is not true
),

allocations as (
    select * from {{ ref('fct_allocations') }}
),

teams as (
    select * from {{ ref('dim_team') }}
),

open_cases as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        referrals.young_person_key
    from report_dates
    inner join referrals
        on
            report_dates.authority = referrals.authority
            and report_dates.report_date >= referrals.referral_date
            and (
                referrals.close_date is null
                or report_dates.report_date < referrals.close_date
            )
    group by
        report_dates.authority, report_dates.report_date, referrals.young_person_key
),

-- a social worker's allocation that outlived the case is no case; a personal adviser
-- has young people whose referral closed when they left care
held as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        allocations.role_code,
        allocations.worker_key,
        allocations.young_person_key,
        coalesce(teams.team_name, 'team not recorded') as team_name,
        allocations.role_code = 'PA'
        or open_cases.young_person_key is not null as is_open
    from report_dates
    inner join allocations
        on
            report_dates.authority = allocations.authority
            and report_dates.report_date >= allocations.start_date
            and (
                allocations.end_date is null
                or report_dates.report_date < allocations.end_date
            )
    left join teams on allocations.team_key = teams.team_key
    left join open_cases
        on
            report_dates.authority = open_cases.authority
            and report_dates.report_date = open_cases.snapshot_date
            and allocations.young_person_key = open_cases.young_person_key
),

-- a worker of two teams counts in each with that team's cases
by_worker as (
    select
        held.authority,
        held.snapshot_date,
        held.role_code,
        segments.segment,
        held.worker_key,
        count(distinct held.young_person_key) filter (where held.is_open) as case_count,
        count(distinct held.young_person_key) filter (where not held.is_open)
            as closed_count
    from held
    cross join
        lateral (
            values ('all teams'), (held.team_name)
        ) as segments (segment)
    group by
        held.authority, held.snapshot_date, held.role_code, segments.segment,
        held.worker_key
),

-- one who holds closed cases only has none
by_segment as (
    select
        authority,
        snapshot_date,
        role_code,
        segment,
        avg(case_count) filter (where case_count > 0) as mean_count,
        percentile_cont(0.5) within group (order by case_count)
        filter (where case_count > 0) as median_count,
        max(case_count) filter (where case_count > 0) as maximum_count,
        count(*) filter (where case_count > 0) as worker_count,
        sum(closed_count) as closed_count
    from by_worker
    group by authority, snapshot_date, role_code, segment
)

select
    by_segment.authority,
    by_segment.snapshot_date,
    case by_segment.role_code
        when 'SW' then 'cases per social worker, '
        when 'PA' then 'young people per personal adviser, '
    end || statistics.statistic as measure,
    by_segment.segment,
    round(statistics.value::numeric, 4) as value,
    'cases' as unit,
    by_segment.worker_count::integer as record_count,
    by_segment.closed_count::integer as left_out_count,
    'case closed: ' || nullif(by_segment.closed_count, 0) as left_out_reason,
    null as assumption
from by_segment
cross join lateral (
    values
    ('mean', by_segment.mean_count::double precision),
    ('median', by_segment.median_count),
    ('maximum', by_segment.maximum_count::double precision)
) as statistics (statistic, value)
