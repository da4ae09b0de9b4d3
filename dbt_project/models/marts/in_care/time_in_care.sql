-- grain: one row per authority, cohort of entry to care and number of days
with

report_dates as (
    select
        authority,
        max(report_date) filter (where is_latest) as as_at_date,
        min(report_date) as first_report_date
    from {{ ref('dim_report_date') }}
    group by authority
),

care_periods as (
    select * from {{ ref('fct_care_periods') }}
),

-- years of entry that end with the latest report date, its day a year before, and so
-- on; none that ends before records are complete
cohorts as (
    select
        years.authority,
        years.as_at_date,
        {{ first_day_of_period('years.to_date', 12) }} as from_date,
        years.to_date
    from (
        select
            report_dates.*,
            (report_dates.as_at_date - years_back * interval '1 year')::date as to_date
        from report_dates
        cross join generate_series(0, 4) as years_back
    ) as years
    where years.to_date >= years.first_report_date
),

-- who is still in care is followed until the date; a period that ended within 8 days
-- does not count
followed as (
    select
        cohorts.authority,
        cohorts.as_at_date,
        cohorts.from_date,
        cohorts.to_date,
        coalesce(care_periods.end_date <= cohorts.as_at_date, false) as is_ended,
        least(care_periods.end_date, cohorts.as_at_date) - care_periods.start_date
            as day_count
    from cohorts
    inner join care_periods
        on
            cohorts.authority = care_periods.authority
            and care_periods.start_date between cohorts.from_date and cohorts.to_date
    where care_periods.day_count is null or care_periods.day_count >= 8
),

by_day as (
    select
        authority,
        as_at_date,
        from_date,
        to_date,
        day_count,
        count(*) filter (where is_ended) as ended_count,
        sum(count(*)) over (
            partition by authority, from_date order by day_count desc
        ) as at_risk_count
    from followed
    group by authority, as_at_date, from_date, to_date, day_count
),

-- Kaplan and Meier: of those still followed on a day, the share who do not leave on it
-- is multiplied with the shares of the days before; Greenwood's sum gives the interval
curve as (
    select
        by_day.authority,
        by_day.from_date,
        by_day.day_count,
        by_day.at_risk_count,
        case
            when bool_or(by_day.ended_count = by_day.at_risk_count) over days_so_far
                then 0
            else exp(
                sum(
                    ln(
                        1 - by_day.ended_count
                        / nullif(by_day.at_risk_count, by_day.ended_count)
                    )
                ) over days_so_far
            )
        end as share,
        sum(
            by_day.ended_count
            / nullif(
                by_day.at_risk_count * (by_day.at_risk_count - by_day.ended_count), 0
            )
        ) over days_so_far as greenwood_sum
    from by_day
    window days_so_far as (
        partition by by_day.authority, by_day.from_date order by by_day.day_count
    )
),

of_cohort as (
    select
        authority,
        from_date,
        max(at_risk_count) as period_count,
        min(day_count) filter (where round(share, 9) <= 0.5) as median_days
    from curve
    group by authority, from_date
),

-- the value of the curve after each number of days, where the cohort began so long ago
at_days as (
    select distinct on (cohorts.authority, cohorts.from_date, wanted.day_number)
        cohorts.authority,
        cohorts.as_at_date,
        cohorts.from_date,
        cohorts.to_date,
        wanted.day_number,
        coalesce(curve.share, 1) as share,
        curve.greenwood_sum
    from cohorts
    cross join (values (91), (182), (365), (730), (1095)) as wanted (day_number)
    left join curve
        on
            cohorts.authority = curve.authority
            and cohorts.from_date = curve.from_date
            and wanted.day_number >= curve.day_count
    where wanted.day_number <= cohorts.as_at_date - cohorts.from_date + 1
    order by
        cohorts.authority asc, cohorts.from_date asc, wanted.day_number asc,
        curve.day_count desc nulls last
)

select
    at_days.authority,
    at_days.as_at_date,
    at_days.from_date as cohort_from_date,
    at_days.to_date as cohort_to_date,
    at_days.day_number,
    of_cohort.period_count::integer as period_count,
    at_days.share::numeric(9, 6) as share_in_care,
    case
        when at_days.share > 0 and at_days.share < 1
            then (
                at_days.share
                ^ exp(1.96 * sqrt(at_days.greenwood_sum) / abs(ln(at_days.share)))
            )::numeric(9, 6)
    end as share_low,
    case
        when at_days.share > 0 and at_days.share < 1
            then (
                at_days.share
                ^ exp(-1.96 * sqrt(at_days.greenwood_sum) / abs(ln(at_days.share)))
            )::numeric(9, 6)
    end as share_high,
    of_cohort.median_days::integer as median_days
from at_days
inner join of_cohort
    on
        at_days.authority = of_cohort.authority
        and at_days.from_date = of_cohort.from_date
