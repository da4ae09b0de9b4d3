-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

-- used twice below and not materialised, because the result would not fit into memory
worker_counts as not materialized (
    select * from {{ ref('fct_worker_counts') }}
),

delivered as (
    select authority
    from {{ ref('fct_allocations') }}
    where role_code = 'SW'
    group by authority
),

-- open cases at the same dates with the same number of social workers are counted
-- together
spans as (
    select
        worker_counts.authority,
        worker_counts.worker_count,
        {{ first_date_number('worker_counts.from_date') }} as first_number,
        {{ last_date_number('worker_counts.to_date') }} as last_number,
        count(*) as case_count
    from worker_counts
    inner join calendars on worker_counts.authority = calendars.authority
    group by
        worker_counts.authority, worker_counts.worker_count, first_number, last_number
),

-- a date without an open case keeps a row
alike as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        coalesce(spans.worker_count, 1) as worker_count,
        coalesce(sum(spans.case_count), 0) as case_count
    from report_dates
    left join spans
        on
            report_dates.authority = spans.authority
            and report_dates.date_number
            between spans.first_number and spans.last_number
    group by
        report_dates.authority, report_dates.report_date,
        coalesce(spans.worker_count, 1)
),

members as (
    select
        alike.authority,
        alike.as_at_date,
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

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        'open cases' as segment,
        worker_counts.young_person_key,
        true as is_member,
        measures.is_counted,
        case
            when delivered.authority is null
                then 'not delivered'
            when worker_counts.worker_count = 0
                then 'no social worker recorded'
        end as left_out_reason
    from report_dates
    inner join worker_counts
        on
            report_dates.authority = worker_counts.authority
            and report_dates.report_date >= worker_counts.from_date
            and (
                worker_counts.to_date is null
                or report_dates.report_date < worker_counts.to_date
            )
    left join delivered on report_dates.authority = delivered.authority
    cross join
        lateral (
            values
            (
                'two or more social workers in 12 months',
                worker_counts.worker_count >= 2
            ),
            (
                'three or more social workers in 12 months',
                worker_counts.worker_count >= 3
            )
        ) as measures (measure, is_counted)
),

{{ measured('members', weight='case_count', people='people') }}
