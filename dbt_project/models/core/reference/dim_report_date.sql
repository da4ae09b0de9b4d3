-- grain: one row per authority and report date
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

report_dates as (
    select * from {{ ref('report_dates') }}
),

first_report_dates as (
    select * from {{ ref('first_report_dates') }}
),

-- the night of the last accepted load; no date after it is counted
latest_nights as (
    select
        snapshots.authority,
        snapshots.snapshot_date as latest_night,
        -- an authority's own date counts before the one for any authority
        coalesce(own.first_report_date, any_authority.first_report_date)
            as first_report_date
    from snapshots
    left join first_report_dates as own on snapshots.authority = own.authority
    left join first_report_dates as any_authority on any_authority.authority is null
    where snapshots.is_latest
),

candidates as (
    select
        latest_nights.authority,
        (
            date_trunc('quarter', quarter_day) + interval '3 months - 1 day'
        )::date as report_date,
        true as is_quarter_end,
        false as is_published_date
    from latest_nights
    cross join
        generate_series(
            latest_nights.first_report_date::timestamp,
            latest_nights.latest_night::timestamp,
            interval '3 months'
        ) as quarter_day
    union all
    select
        authority,
        report_date,
        false as is_quarter_end,
        true as is_published_date
    from report_dates
    union all
    select
        authority,
        latest_night as report_date,
        false as is_quarter_end,
        false as is_published_date
    from latest_nights
)

select
    candidates.authority,
    candidates.report_date,
    bool_or(candidates.is_quarter_end) as is_quarter_end,
    bool_or(candidates.is_published_date) as is_published_date,
    candidates.report_date = latest_nights.latest_night as is_latest
from candidates
inner join latest_nights on candidates.authority = latest_nights.authority
where candidates.report_date <= latest_nights.latest_night
group by candidates.authority, candidates.report_date, latest_nights.latest_night
