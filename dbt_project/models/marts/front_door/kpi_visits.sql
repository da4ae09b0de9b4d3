-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

timescales as (
    select * from {{ ref('timescales') }}
    where topic = 'visit'
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

timeline as (
    select * from {{ ref('fct_plan_timeline') }}
),

visits as (
    select * from {{ ref('fct_visits') }}
),

delivered as (
    select
        authority,
        plan_type_code,
        min(visit_date) as first_visit_date
    from visits
    group by authority, plan_type_code
),

-- the days on which a visit is in time at each date
windows as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        timescales.plan_type_code,
        plan_types.plan_type as segment,
        case
            when timescales.is_working_days
                then (
                    select min(earlier.calendar_date)
                    from dates as earlier
                    where
                        earlier.working_day_number
                        >= dates.working_day_number - timescales.day_count
                )
            else report_dates.report_date - timescales.day_count
        end as in_time_from_date,
        delivered.authority is not null as is_delivered,
        delivered.first_visit_date
    from report_dates
    cross join timescales
    inner join plan_types on timescales.plan_type_code = plan_types.plan_type_code
    inner join dates on report_dates.report_date = dates.calendar_date
    left join delivered
        on
            report_dates.authority = delivered.authority
            and timescales.plan_type_code = delivered.plan_type_code
),

-- a visit on which the child was recorded as not seen is none
seen as (
    select
        windows.authority,
        windows.snapshot_date,
        windows.plan_type_code,
        visits.young_person_key
    from windows
    inner join visits
        on
            windows.authority = visits.authority
            and windows.plan_type_code = visits.plan_type_code
            and windows.in_time_from_date <= visits.visit_date
            and windows.snapshot_date >= visits.visit_date
    where visits.is_child_seen is not false
    group by
        windows.authority, windows.snapshot_date, windows.plan_type_code,
        visits.young_person_key
),

-- everybody on the plan at the date; a date without anybody keeps a row without a child
members as (
    select
        windows.authority,
        windows.snapshot_date,
        'visited in time' as measure,
        windows.segment,
        timeline.young_person_key is not null as is_member,
        seen.young_person_key is not null as is_counted,
        case
            when not windows.is_delivered
                then 'not delivered'
            when windows.in_time_from_date < windows.first_visit_date
                then 'before the records of visits'
            when
                seen.young_person_key is null
                and timeline.from_date >= windows.in_time_from_date
                then 'first visit not yet due'
        end as left_out_reason
    from windows
    left join timeline
        on
            windows.authority = timeline.authority
            and windows.plan_type_code = timeline.plan_type_code
            and windows.snapshot_date >= timeline.from_date
            and (timeline.to_date is null or windows.snapshot_date < timeline.to_date)
    left join seen
        on
            windows.authority = seen.authority
            and windows.snapshot_date = seen.snapshot_date
            and windows.plan_type_code = seen.plan_type_code
            and timeline.young_person_key = seen.young_person_key
),

{{ measured('members') }}
