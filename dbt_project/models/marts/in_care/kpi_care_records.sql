-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

care_episodes as (
    select * from {{ ref('fct_care_episodes') }}
),

-- a part that was resumed does not count as a separate record
placement_records as (
    select * from {{ ref('fct_placement_records') }}
    where not is_resumed
),

segments (measure, segment) as (
    values
    ('episodes of care', 'duplicate'),
    ('episodes of care', 'reversed'),
    ('episodes of care', 'no day'),
    ('episodes of care', 'short break'),
    ('episodes of care', 'overlap merged'),
    ('episodes of care', 'open end closed'),
    ('placements', 'duplicate'),
    ('placements', 'reversed'),
    ('placements', 'no day'),
    ('placements', 'outside care'),
    ('placements', 'absence within a placement'),
    ('placements', 'another from the same day'),
    ('placements', 'cut to care'),
    ('placements', 'overlap clipped'),
    ('placements', 'open end closed')
),

-- every record with what the rules did to it: at most one reason to leave it out, and
-- the corrections to those that count; used twice below and not materialised, because
-- the result would not fit into memory
records as not materialized (
    select
        authority,
        young_person_key,
        'episodes of care' as measure,
        start_date,
        array_remove(
            array[
                left_out_reason,
                case when is_overlapping then 'overlap merged' end,
                case when is_open_end_closed then 'open end closed' end
            ],
            null
        ) as segments
    from care_episodes
    union all
    select
        authority,
        young_person_key,
        'placements' as measure,
        start_date,
        array_remove(
            array[
                left_out_reason,
                case when is_cut_to_care then 'cut to care' end,
                case when is_overlap_clipped then 'overlap clipped' end,
                case when is_open_end_closed then 'open end closed' end
            ],
            null
        ) as segments
    from placement_records
),

-- records count from their start date; a record without one counts at no date
by_first_date as (
    select
        records.authority,
        records.measure,
        records.segments,
        {{ first_date_number('records.start_date') }} as first_number,
        count(*) as record_count
    from records
    inner join calendars on records.authority = calendars.authority
    group by records.authority, records.measure, records.segments, first_number
),

counted as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        by_first_date.measure,
        by_first_date.segments,
        sum(by_first_date.record_count)
        filter (where by_first_date.first_number <= report_dates.date_number)
            as record_count,
        sum(by_first_date.record_count) filter (
            where by_first_date.first_number is null
        )
            as undated_count
    from report_dates
    inner join by_first_date on report_dates.authority = by_first_date.authority
    group by
        report_dates.authority, report_dates.report_date, by_first_date.measure,
        by_first_date.segments
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        records.measure,
        segments.segment,
        records.young_person_key,
        true as is_member,
        segments.segment = any(records.segments) as is_counted,
        case when records.start_date is null then 'no start date' end
            as left_out_reason
    from report_dates
    inner join records
        on
            report_dates.authority = records.authority
            and (
                records.start_date is null
                or report_dates.report_date >= records.start_date
            )
    inner join segments on records.measure = segments.measure
),

{{ people_are('people') }}
measured as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        segments.measure,
        segments.segment,
        coalesce(
            sum(counted.record_count)
            filter (where segments.segment = any(counted.segments)),
            0
        ) as numerator,
        coalesce(sum(counted.record_count), 0) as denominator,
        coalesce(sum(counted.undated_count), 0) as left_out_count
    from report_dates
    cross join segments
    left join counted
        on
            report_dates.authority = counted.authority
            and report_dates.report_date = counted.as_at_date
            and segments.measure = counted.measure
    group by
        report_dates.authority, report_dates.report_date, segments.measure,
        segments.segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    denominator::integer as denominator,
    round(numerator::numeric / nullif(denominator, 0), 6) as share,
    left_out_count::integer as left_out_count,
    'no start date: ' || nullif(left_out_count, 0) as left_out_reason
from measured
