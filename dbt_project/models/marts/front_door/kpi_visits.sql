-- grain: one row per authority, snapshot date, measure and segment
with

{{ numbered_report_dates() }},

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

-- the first day on which a visit is in time at each date: found once, not per authority
in_time as materialized (
    select
        days.report_date,
        timescales.plan_type_code,
        case
            when timescales.is_working_days
                then (
                    select min(earlier.calendar_date)
                    from dates as earlier
                    where
                        earlier.working_day_number
                        >= dates.working_day_number - timescales.day_count
                )
            else days.report_date - timescales.day_count
        end as in_time_from_date
    from (select distinct report_dates.report_date from report_dates) as days
    cross join timescales
    inner join dates on days.report_date = dates.calendar_date
),

windows as (
    select
        report_dates.authority,
        report_dates.report_date,
        report_dates.date_number,
        in_time.plan_type_code,
        plan_types.plan_type as segment,
        in_time.in_time_from_date,
        delivered.authority is not null as is_delivered,
        delivered.first_visit_date
    from report_dates
    inner join in_time on report_dates.report_date = in_time.report_date
    inner join plan_types on in_time.plan_type_code = plan_types.plan_type_code
    left join delivered
        on
            report_dates.authority = delivered.authority
            and in_time.plan_type_code = delivered.plan_type_code
),

window_days as (
    select
        authority,
        plan_type_code,
        array_agg(in_time_from_date order by date_number) as in_time_from_dates
    from windows
    group by authority, plan_type_code
),

-- a visit is in time at the dates from its day on whose window reaches back to it; one
-- on which the child was recorded as not seen is none
visit_spans as (
    select
        visits.authority,
        visits.plan_type_code,
        visits.young_person_key,
        {{ first_date_number('visits.visit_date') }} as first_number,
        {{ last_date_number(
            'visits.visit_date + 1', 'window_days.in_time_from_dates'
        ) }}
            as last_number
    from visits
    inner join calendars on visits.authority = calendars.authority
    inner join window_days
        on
            visits.authority = window_days.authority
            and visits.plan_type_code = window_days.plan_type_code
    where visits.is_child_seen is not false and visits.visit_date is not null
),

seen as (
    select distinct
        visit_spans.young_person_key,
        visit_spans.plan_type_code,
        date_numbers.date_number
    from visit_spans
    cross join
        lateral generate_series(visit_spans.first_number, visit_spans.last_number)
            as date_numbers (date_number)
),

-- everybody on the plan at each date, and up to which date they are new to it: their
-- plan began in the window
on_plan as materialized (
    select
        timeline.authority,
        timeline.plan_type_code,
        timeline.young_person_key,
        date_numbers.date_number,
        date_numbers.date_number
        <= width_bucket(timeline.from_date, window_days.in_time_from_dates) as is_new
    from timeline
    inner join calendars on timeline.authority = calendars.authority
    inner join window_days
        on
            timeline.authority = window_days.authority
            and timeline.plan_type_code = window_days.plan_type_code
    cross join
        lateral generate_series(
            {{ first_date_number('timeline.from_date') }},
            {{ last_date_number('timeline.to_date') }}
        ) as date_numbers (date_number)
),

-- those that are alike at a date are counted once
alike as (
    select
        on_plan.authority,
        on_plan.plan_type_code,
        on_plan.date_number,
        seen.young_person_key is not null as is_seen,
        on_plan.is_new,
        count(*) as child_count
    from on_plan
    left join seen
        on
            on_plan.young_person_key = seen.young_person_key
            and on_plan.plan_type_code = seen.plan_type_code
            and on_plan.date_number = seen.date_number
    group by
        on_plan.authority, on_plan.plan_type_code, on_plan.date_number, is_seen,
        on_plan.is_new
),

-- a date without anybody keeps a row without a child
members as (
    select
        windows.authority,
        windows.report_date as snapshot_date,
        'visited in time' as measure,
        windows.segment,
        alike.child_count is not null as is_member,
        alike.is_seen as is_counted,
        case
            when not windows.is_delivered
                then 'not delivered'
            when windows.in_time_from_date < windows.first_visit_date
                then 'before the records of visits'
            when alike.is_new and not alike.is_seen
                then 'first visit not yet due'
        end as left_out_reason,
        alike.child_count
    from windows
    left join alike
        on
            windows.authority = alike.authority
            and windows.plan_type_code = alike.plan_type_code
            and windows.date_number = alike.date_number
),

{{ measured('members', weight='child_count') }}
