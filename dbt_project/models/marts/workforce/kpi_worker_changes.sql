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
    where role_code = 'SW'
),

delivered as (
    select authority from allocations
    group by authority
),

-- a young person with several open cases is one
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

-- those who held the case on a day of the 12 months to the date
social_workers as (
    select
        open_cases.authority,
        open_cases.snapshot_date,
        open_cases.young_person_key,
        count(distinct allocations.worker_key) as worker_count
    from open_cases
    left join allocations
        on
            open_cases.authority = allocations.authority
            and open_cases.young_person_key = allocations.young_person_key
            and open_cases.snapshot_date >= allocations.start_date
            and (
                allocations.end_date is null
                or allocations.end_date - 1
                > open_cases.snapshot_date - interval '12 months'
            )
    group by
        open_cases.authority, open_cases.snapshot_date, open_cases.young_person_key
),

-- those that are alike at a date, counted once; a date without an open case keeps a row
alike as (
    select
        authority,
        snapshot_date,
        worker_count,
        count(*) as case_count
    from social_workers
    group by authority, snapshot_date, worker_count
    union all
    select
        authority,
        report_date as snapshot_date,
        1 as worker_count,
        0 as case_count
    from report_dates
),

members as (
    select
        alike.authority,
        alike.snapshot_date,
        measures.measure,
        'open cases' as segment,
        true as is_member,
        measures.is_counted,
        case
            when alike.case_count = 0
                then null
            when delivered.authority is null
                then 'not delivered'
            when alike.worker_count = 0
                then 'no social worker recorded'
        end as left_out_reason,
        alike.case_count
    from alike
    left join delivered on alike.authority = delivered.authority
    cross join lateral (
        values
        ('two or more social workers in 12 months', alike.worker_count >= 2),
        ('three or more social workers in 12 months', alike.worker_count >= 3)
    ) as measures (measure, is_counted)
),

{{ measured('members', weight='case_count') }}
