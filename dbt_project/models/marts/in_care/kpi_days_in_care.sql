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

members as (
    select
        care_periods.authority,
        care_periods.as_at_date,
        measures.measure,
        measures.segment,
        care_periods.young_person_key,
        care_periods.young_person_key is not null and measures.is_member as is_member,
        measures.value,
        null::text as left_out_reason
    from care_periods
    cross join
        lateral (
            values
            ('days in care in 12 months', 'all', day_count, day_count > 0),
            (
                'mean days in care so far', 'looked after', day_count_so_far,
                is_ended is not true
            ),
            (
                'mean days of a period of care', 'ceased in 12 months',
                total_day_count, is_ended
            )
        ) as measures (measure, segment, value, is_member)
),

{{ people_are('members') }}
averaged as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        case
            when measure = 'days in care in 12 months'
                then coalesce(sum(value) filter (where is_member), 0)
            else avg(value) filter (where is_member)
        end as value,
        count(*) filter (where is_member) as record_count
    from members
    group by authority, as_at_date, measure, segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    value::numeric(16, 4) as value,
    'days' as unit,
    record_count::integer as record_count,
    0 as left_out_count,
    null::text as left_out_reason,
    null::text as assumption
from averaged
