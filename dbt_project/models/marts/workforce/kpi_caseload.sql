-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

allocations as (
    select * from {{ ref('fct_case_allocations') }}
),

teams as (
    select * from {{ ref('dim_team') }}
),

-- A young person has one allocation at a time to one worker in one role. A social
-- worker's allocation that outlived the case does not count. A personal adviser's does:
-- the referral closed when the young person left care.
held as (
    select
        allocations.authority,
        allocations.role_code,
        allocations.worker_key,
        allocations.team_key,
        allocations.is_case_open or allocations.role_code = 'PA' as is_case,
        {{ first_date_number('allocations.from_date') }} as first_number,
        {{ last_date_number('allocations.to_date') }} as last_number
    from allocations
    inner join calendars on allocations.authority = calendars.authority
),

-- allocations that are held at the same dates are grouped and counted together
alike as (
    select
        authority,
        role_code,
        worker_key,
        team_key,
        is_case,
        first_number,
        last_number,
        count(*) as held_count
    from held
    where first_number <= last_number
    group by
        authority, role_code, worker_key, team_key, is_case, first_number, last_number
),

roles as (
    select
        authority,
        role_code
    from alike
    group by authority, role_code
),

by_team as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        alike.role_code,
        alike.worker_key,
        coalesce(teams.team_name, 'team not recorded') as team_name,
        coalesce(sum(alike.held_count) filter (where alike.is_case), 0) as case_count,
        coalesce(sum(alike.held_count) filter (where not alike.is_case), 0)
            as closed_count
    from alike
    inner join report_dates
        on
            alike.authority = report_dates.authority
            and report_dates.date_number
            between alike.first_number and alike.last_number
    left join teams on alike.team_key = teams.team_key
    group by
        report_dates.authority, report_dates.report_date, alike.role_code,
        alike.worker_key, coalesce(teams.team_name, 'team not recorded')
),

-- a worker of two teams counts in each with that team's cases
by_worker as (
    select
        authority,
        as_at_date,
        role_code,
        team_name as segment,
        worker_key,
        case_count,
        closed_count
    from by_team
    union all
    select
        authority,
        as_at_date,
        role_code,
        'all teams' as segment,
        worker_key,
        sum(case_count) as case_count,
        sum(closed_count) as closed_count
    from by_team
    group by authority, as_at_date, role_code, worker_key
    union all
    -- a date on which nobody holds a case in a role keeps one row
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        roles.role_code,
        'all teams' as segment,
        null as worker_key,
        0 as case_count,
        0 as closed_count
    from report_dates
    inner join roles on report_dates.authority = roles.authority
),

-- a worker with only closed cases has no caseload
by_segment as (
    select
        authority,
        as_at_date,
        role_code,
        segment,
        avg(case_count) filter (where case_count > 0) as mean_count,
        percentile_cont(0.5) within group (order by case_count)
        filter (where case_count > 0) as median_count,
        max(case_count) filter (where case_count > 0) as maximum_count,
        count(*) filter (where case_count > 0) as worker_count,
        sum(closed_count) as closed_count
    from by_worker
    group by authority, as_at_date, role_code, segment
)

select
    by_segment.authority,
    by_segment.as_at_date,
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
