-- grain: one row per young person on a plan that has to be visited and report date
{{ config(materialized='kept') }}
with

report_dates as (
    select
        authority,
        report_date
    from {{ ref('dim_report_date') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

timescales as (
    select * from {{ ref('timescales') }}
    where topic = 'visit'
),

timeline as (
    select * from {{ ref('fct_plan_timeline') }}
),

visits as (
    select * from {{ ref('fct_visits') }}
),

-- the first day on which a visit is in time at each date, found once rather than per
-- authority
in_time as materialized (
    select
        days.as_at_date,
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
            else days.as_at_date - timescales.day_count
        end as in_time_from_date
    from (
        select distinct report_dates.report_date as as_at_date from report_dates
    ) as days
    cross join timescales
    inner join dates on days.as_at_date = dates.calendar_date
),

on_plan as (
    select
        timeline.authority,
        timeline.young_person_key,
        timeline.plan_type_code,
        timeline.from_date as plan_from_date,
        report_dates.report_date as as_at_date,
        in_time.in_time_from_date
    from timeline
    inner join report_dates
        on
            timeline.authority = report_dates.authority
            and timeline.from_date <= report_dates.report_date
            and coalesce(timeline.to_date > report_dates.report_date, true)
            and {{ is_due('report_dates', 'timeline.young_person_key') }}
    inner join in_time
        on
            timeline.plan_type_code = in_time.plan_type_code
            and report_dates.report_date = in_time.as_at_date
),

-- a visit counts if it is recorded that the child was seen: a blank does not say so
last_visits as (
    select
        on_plan.young_person_key,
        on_plan.as_at_date,
        max(visits.visit_date) as last_visit_date
    from on_plan
    inner join visits
        on
            on_plan.young_person_key = visits.young_person_key
            and on_plan.plan_type_code = visits.plan_type_code
            and on_plan.as_at_date >= visits.visit_date
    where visits.is_child_seen
    group by on_plan.young_person_key, on_plan.as_at_date
)

select
    on_plan.young_person_key,
    on_plan.authority,
    on_plan.as_at_date,
    on_plan.plan_type_code,
    on_plan.plan_from_date,
    on_plan.in_time_from_date,
    last_visits.last_visit_date,
    coalesce(last_visits.last_visit_date >= on_plan.in_time_from_date, false)
        as is_visited_in_time,
    on_plan.plan_from_date >= on_plan.in_time_from_date as is_new_to_plan
from on_plan
left join last_visits
    on
        on_plan.young_person_key = last_visits.young_person_key
        and on_plan.as_at_date = last_visits.as_at_date
