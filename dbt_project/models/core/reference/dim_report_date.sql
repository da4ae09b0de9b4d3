-- grain: one row per authority and report date
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

report_dates as (
    select * from {{ ref('report_dates') }}
),

-- the night of the last accepted load: nothing is counted beyond it
latest_nights as (
    select
        authority,
        snapshot_date as latest_night
    from snapshots
    where is_latest
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
            date '{{ var("first_report_date") }}'::timestamp,
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
