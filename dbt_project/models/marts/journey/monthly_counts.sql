-- grain: one row per authority, type of event and complete month
with

report_dates as (
    select
        authority,
        max(report_date) filter (where is_latest) as as_at_date,
        min(report_date) as first_report_date
    from {{ ref('dim_report_date') }}
    group by authority
),

event_types as (
    select * from {{ ref('dim_event_type') }}
    -- its date is the night that first showed it, and not that of an event
    where event_type_code <> 'care_leaver_status'
),

events as (
    select * from {{ ref('fct_pathway_events') }}
),

-- the last 36 months that have ended, none of them before records are complete; they do
-- not overlap, as totals of 12 months do
months as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        month_start::date as month_start_date
    from report_dates
    cross join
        generate_series(
            date_trunc('month', report_dates.as_at_date + 1) - interval '36 months',
            date_trunc('month', report_dates.as_at_date + 1) - interval '1 month',
            interval '1 month'
        ) as month_start
    where month_start >= date_trunc('month', report_dates.first_report_date)
),

counted as (
    select
        authority,
        event_type_code,
        date_trunc('month', event_date)::date as month_start_date,
        count(*) as event_count
    from events
    group by authority, event_type_code, date_trunc('month', event_date)
),

-- a month without an event counts as none
points as (
    select
        months.authority,
        months.as_at_date,
        months.month_start_date,
        event_types.event_type_code,
        event_types.event_type,
        coalesce(counted.event_count, 0) as event_count,
        abs(
            coalesce(counted.event_count, 0)
            - lag(coalesce(counted.event_count, 0)) over (
                partition by months.authority, event_types.event_type_code
                order by months.month_start_date
            )
        ) as moving_range
    from months
    cross join event_types
    left join counted
        on
            months.authority = counted.authority
            and months.month_start_date = counted.month_start_date
            and event_types.event_type_code = counted.event_type_code
),

-- an XmR chart, as gate 2 draws it (carepath.quality.figures.limits): mean plus and
-- minus 2.66 mean moving ranges, from at least 10 months
limits as (
    select
        points.*,
        avg(points.event_count) over history as mean,
        avg(points.moving_range) over history as mean_moving_range,
        count(*) over history >= 10
        and max(points.event_count) over history > 0 as has_limits
    from points
    window history as (partition by points.authority, points.event_type_code)
)

select
    authority,
    as_at_date,
    event_type_code,
    month_start_date,
    event_type,
    event_count::integer as event_count,
    case when has_limits then mean::numeric(12, 4) end as mean,
    case when has_limits then mean_moving_range::numeric(12, 4) end
        as mean_moving_range,
    case
        when has_limits
            then greatest(mean - 2.66 * mean_moving_range, 0)::numeric(12, 4)
    end as low,
    case when has_limits then (mean + 2.66 * mean_moving_range)::numeric(12, 4) end
        as high,
    case
        when not has_limits then null
        when event_count > mean + 2.66 * mean_moving_range then 'above the limits'
        when event_count < mean - 2.66 * mean_moving_range then 'below the limits'
    end as signal
from limits
