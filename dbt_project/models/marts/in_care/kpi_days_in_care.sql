-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }} as report_dates
    inner join {{ ref('dim_care_delivery') }} as deliveries
        on report_dates.authority = deliveries.authority
    where deliveries.has_care_episodes
),

-- each period as it was at the date: one that ended later was still open
care_periods as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        care_periods.young_person_key,
        care_periods.end_date <= report_dates.as_at_date as is_ended,
        least(care_periods.end_date, report_dates.as_at_date + 1)
        - greatest(care_periods.start_date, report_dates.first_date) as day_count,
        coalesce(
            care_periods.end_date, report_dates.as_at_date
        ) - care_periods.start_date as total_day_count,
        report_dates.as_at_date - care_periods.start_date as day_count_so_far
    from report_dates
    left join {{ ref('fct_care_periods') }} as care_periods
        on
            report_dates.authority = care_periods.authority
            and report_dates.as_at_date >= care_periods.start_date
            and (
                care_periods.end_date is null
                or report_dates.first_date <= care_periods.end_date
            )
),

counted as (
    select
        authority,
        as_at_date,
        coalesce(sum(day_count) filter (where young_person_key is not null), 0)
            as day_count,
        count(young_person_key) filter (where day_count > 0) as period_count,
        avg(day_count_so_far) filter (where is_ended is not true) as mean_days_so_far,
        count(young_person_key) filter (where is_ended is not true) as open_count,
        avg(total_day_count) filter (where is_ended) as mean_days_ended,
        count(*) filter (where is_ended) as ended_count
    from care_periods
    group by authority, as_at_date
)

select
    counted.authority,
    counted.as_at_date,
    measures.measure,
    measures.segment,
    measures.value::numeric(16, 4) as value,
    'days' as unit,
    measures.record_count::integer as record_count,
    0 as left_out_count,
    null::text as left_out_reason,
    null::text as assumption
from counted
cross join lateral (
    values
    ('days in care in 12 months', 'all', day_count, period_count),
    ('mean days in care so far', 'looked after', mean_days_so_far, open_count),
    (
        'mean days of a period of care', 'ceased in 12 months', mean_days_ended,
        ended_count
    )
) as measures (measure, segment, value, record_count)
