-- grain: one row per authority and type of event
with

report_dates as (
    select
        authority,
        report_date as as_at_date
    from {{ ref('dim_report_date') }}
    where is_latest
),

event_types as (
    select * from {{ ref('dim_event_type') }}
    -- its date is the night that first showed it, and not that of an event
    where event_type_code <> 'care_leaver_status'
),

events as (
    select * from {{ ref('fct_pathway_events') }}
),

recent as (
    select
        report_dates.authority,
        events.event_type_code,
        count(*) filter (where events.event_date = report_dates.as_at_date)
            as last_night_count,
        count(*) as last_week_count
    from report_dates
    inner join events
        on
            report_dates.authority = events.authority
            and events.event_date
            between report_dates.as_at_date - 6 and report_dates.as_at_date
    group by report_dates.authority, events.event_type_code
)

select
    report_dates.authority,
    event_types.event_type_code,
    report_dates.as_at_date,
    event_types.event_type,
    coalesce(recent.last_night_count, 0)::integer as last_night_count,
    coalesce(recent.last_week_count, 0)::integer as last_week_count
from report_dates
cross join event_types
left join recent
    on
        report_dates.authority = recent.authority
        and event_types.event_type_code = recent.event_type_code
