-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

-- used more than once and not materialised, because the result would not fit into
-- memory
times as not materialized (
    select * from {{ ref('fct_stage_times') }}
),

young_people_segments as (
    select * from {{ ref('bridge_young_person_segment') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
),

measures as (
    select
        from_types.plan_type || ' -> ' || to_types.plan_type as measure,
        null as assumption
    from plan_types as from_types
    inner join plan_types as to_types
        on from_types.plan_type_code <> to_types.plan_type_code
    union all
    select
        measure,
        assumption
    from (
        values
        ('contact -> referral', 'the last contact led to the referral'),
        ('referral -> plan', 'the last referral led to the plan'),
        ('plan -> entry to care', null),
        ('entry to care -> first move', null),
        ('entry to care -> return home', null),
        ('entry to care -> end of care other than home', null),
        ('end of care -> entry to care again', null)
    ) as between_events (measure, assumption)
),

-- for a cohort, the later events count from the day of joining on
members as not materialized (
    select
        authority,
        young_person_key,
        event_date,
        measure,
        'all' as segment,
        day_count,
        left_out_reason
    from times
    union all
    select
        times.authority,
        times.young_person_key,
        times.event_date,
        times.measure,
        young_people_segments.segment,
        times.day_count,
        times.left_out_reason
    from times
    inner join young_people_segments
        on
            times.young_person_key = young_people_segments.young_person_key
            and times.event_date >= young_people_segments.from_date
),

segments as (
    select
        authority,
        'all' as segment,
        '-infinity'::date as first_date
    from report_dates
    group by authority
    union all
    select
        authority,
        segment,
        min(from_date) as first_date
    from young_people_segments
    group by authority, segment
),

-- each time counts at the dates in the 12 months from its end on
numbered as (
    select
        members.authority,
        members.segment,
        members.measure,
        members.day_count,
        members.left_out_reason,
        {{ first_date_number('members.event_date') }} as first_number,
        {{ last_date_number('members.event_date', 'calendars.year_before_dates') }}
            as last_number
    from members
    inner join calendars on members.authority = calendars.authority
),

-- equal times are grouped and counted together
alike as (
    select
        authority,
        segment,
        measure,
        day_count,
        left_out_reason,
        first_number,
        last_number,
        count(*) as time_count
    from numbered
    where first_number <= last_number
    group by
        authority, segment, measure, day_count, left_out_reason, first_number,
        last_number
),

-- the groups of the medians, by number: sorting by numbers takes a third of the time of
-- sorting by names
series as (
    select
        authority,
        segment,
        measure,
        row_number() over () as series_number
    from alike
    group by authority, segment, measure
),

dated as (
    select
        series.series_number,
        date_numbers.date_number,
        alike.day_count,
        sum(alike.time_count)::bigint as time_count
    from alike
    inner join series
        on
            alike.authority = series.authority
            and alike.segment = series.segment
            and alike.measure = series.measure
    cross join
        lateral generate_series(alike.first_number, alike.last_number)
            as date_numbers (date_number)
    group by series.series_number, date_numbers.date_number, alike.day_count
),

-- how many times have this number of days or fewer
ranked as (
    select
        *,
        sum(time_count) filter (where day_count is not null) over (
            partition by series_number, date_number
            order by day_count asc nulls last
        ) as rank_to,
        sum(time_count) filter (where day_count is not null) over (
            partition by series_number, date_number
        ) as record_count
    from dated
),

-- the median is the middle time, or half way between the two in the middle
medians as (
    select
        series_number,
        date_number,
        (
            min(day_count) filter (where rank_to >= div(record_count + 1, 2))
            + min(day_count) filter (where rank_to >= div(record_count + 2, 2))
        ) / 2.0 as value,
        max(record_count) as record_count,
        coalesce(sum(time_count) filter (where day_count is null), 0) as left_out_count
    from ranked
    group by series_number, date_number
),

-- each measure has one reason to leave a time out
reasons as (
    select
        measure,
        max(left_out_reason) as left_out_reason
    from alike
    group by measure
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        members.measure,
        members.segment,
        members.young_person_key,
        true as is_member,
        members.left_out_reason
    from report_dates
    inner join members
        on
            report_dates.authority = members.authority
            and report_dates.report_date >= members.event_date
            and report_dates.year_before_date < members.event_date
),

{{ people_are('people') }}
timed as (
    select
        series.authority,
        series.segment,
        series.measure,
        medians.date_number,
        medians.value,
        medians.record_count,
        medians.left_out_count,
        reasons.left_out_reason || ': ' || nullif(medians.left_out_count, 0)
            as left_out_reason
    from medians
    inner join series on medians.series_number = series.series_number
    inner join reasons on series.measure = reasons.measure
)

select
    report_dates.authority,
    report_dates.report_date as as_at_date,
    measures.measure,
    segments.segment,
    round(timed.value, 4) as value,
    'days' as unit,
    coalesce(timed.record_count, 0)::integer as record_count,
    coalesce(timed.left_out_count, 0)::integer as left_out_count,
    timed.left_out_reason,
    measures.assumption
from report_dates
inner join segments
    on
        report_dates.authority = segments.authority
        and report_dates.report_date >= segments.first_date
cross join measures
left join timed
    on
        report_dates.authority = timed.authority
        and report_dates.date_number = timed.date_number
        and segments.segment = timed.segment
        and measures.measure = timed.measure
