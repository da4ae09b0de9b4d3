-- grain: one row per authority and as-at date
with

snapshots as (
    select * from {{ ref('dim_snapshot') }}
),

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

referrals as (
    select * from {{ ref('fct_referrals') }}
),

-- Records begin where one in a hundred referrals has come: a few old ones that a system
-- brought along do not make the years after them complete.
beginnings as (
    select
        authority,
        percentile_disc(0.01) within group (order by referral_date) as first_date
    from referrals
    where referral_date is not null
    group by authority
),

dates as (
    select
        authority,
        snapshot_date as as_at_date,
        is_latest,
        is_published_date,
        true as is_known_then,
        false as is_as_recorded
    from snapshots
    union all
    select
        authority,
        report_date as as_at_date,
        is_latest,
        is_published_date,
        false as is_known_then,
        true as is_as_recorded
    from report_dates
),

whole as (
    select
        authority,
        as_at_date,
        bool_or(is_latest) as is_latest,
        bool_or(is_published_date) as is_published_date,
        bool_or(is_known_then) as is_known_then,
        bool_or(is_as_recorded) as is_as_recorded
    from dates
    group by authority, as_at_date
)

select
    whole.authority,
    whole.as_at_date,
    whole.is_latest,
    extract(day from whole.as_at_date + 1) = 1
    and extract(month from whole.as_at_date) in (3, 6, 9, 12) as is_quarter_end,
    extract(day from whole.as_at_date + 1) = 1 as is_month_end,
    whole.is_published_date,
    whole.is_known_then,
    whole.is_as_recorded,
    coalesce(
        whole.as_at_date >= beginnings.first_date + interval '2 years', false
    ) as looks_back_far_enough
from whole
left join beginnings on whole.authority = beginnings.authority
