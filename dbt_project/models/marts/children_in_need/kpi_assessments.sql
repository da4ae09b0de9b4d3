-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

assessments as (
    select * from {{ ref('fct_assessments') }}
    where clock_start_date is not null
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- the working day of each date; a date after the end of the calendar sorts last
working_days as (
    select
        report_dates.authority,
        array_agg(
            coalesce(dates.working_day_number, 2147483647)
            order by report_dates.date_number
        ) as numbers
    from report_dates
    left join dates on report_dates.report_date = dates.calendar_date
    group by report_dates.authority
),

-- an assessment counts as authorised at the dates in the 12 months from its
-- authorisation on, and as open at the dates before
authorised as (
    select
        assessments.authority,
        assessments.is_from_referral,
        assessments.is_within_45_working_days,
        {{ first_date_number(
            'greatest(assessments.clock_start_date, assessments.authorised_date)'
        ) }} as first_number,
        {{ last_date_number(
            'assessments.authorised_date', 'calendars.year_before_dates'
        ) }}
            as last_number,
        count(*) as assessment_count
    from assessments
    inner join calendars on assessments.authority = calendars.authority
    where assessments.authorised_date is not null
    group by
        assessments.authority, assessments.is_from_referral,
        assessments.is_within_45_working_days, first_number, last_number
),

open_ones as (
    select
        assessments.*,
        {{ first_date_number('assessments.clock_start_date') }} as first_number,
        {{ last_date_number('assessments.authorised_date') }} as last_number
    from assessments
    inner join calendars on assessments.authority = calendars.authority
),

-- the dates from which an open assessment no longer counts (its case is closed, or it
-- has been open for more than a year), and the last date on which it is not yet overdue
open_spans as (
    select
        open_ones.authority,
        open_ones.is_from_referral,
        open_ones.first_number,
        open_ones.last_number,
        {{ first_date_number(
            'open_ones.referral_close_date'
        ) }} as first_closed_number,
        {{ first_date_number(
            'open_ones.clock_start_date', 'calendars.year_before_dates'
        ) }}
            as first_year_number,
        coalesce(
            width_bucket(dates.working_day_number + 45, working_days.numbers), 0
        ) as last_due_number,
        count(*) as assessment_count
    from open_ones
    inner join calendars on open_ones.authority = calendars.authority
    inner join working_days on open_ones.authority = working_days.authority
    left join dates on open_ones.clock_start_date = dates.calendar_date
    where open_ones.first_number <= open_ones.last_number
    group by
        open_ones.authority, open_ones.is_from_referral, open_ones.first_number,
        open_ones.last_number, first_closed_number, first_year_number, last_due_number
),

-- a date without an assessment keeps one row
judged as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        authorised.is_from_referral,
        authorised.is_within_45_working_days as is_counted,
        case
            when authorised.is_within_45_working_days is null
                then 'dates contradict each other'
        end as left_out_reason,
        authorised.assessment_count
    from report_dates
    inner join authorised
        on
            report_dates.authority = authorised.authority
            and report_dates.date_number
            between authorised.first_number and authorised.last_number
    union all
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        open_spans.is_from_referral,
        false as is_counted,
        case
            when report_dates.date_number >= open_spans.first_closed_number
                then 'case closed, never authorised'
            when report_dates.date_number >= open_spans.first_year_number
                then 'open for more than a year'
            when report_dates.date_number <= open_spans.last_due_number
                then 'open, not yet overdue'
        end as left_out_reason,
        open_spans.assessment_count
    from report_dates
    inner join open_spans
        on
            report_dates.authority = open_spans.authority
            and report_dates.date_number
            between open_spans.first_number and open_spans.last_number
    union all
    select
        authority,
        report_date as as_at_date,
        null as is_from_referral,
        null as is_counted,
        null as left_out_reason,
        0 as assessment_count
    from report_dates
),

members as (
    select
        judged.authority,
        judged.as_at_date,
        'assessments within 45 working days' as measure,
        segments.segment,
        segments.is_member,
        judged.is_counted,
        judged.left_out_reason,
        judged.assessment_count
    from judged
    cross join lateral (
        values
        ('all', true),
        ('first of a referral', judged.is_from_referral),
        ('later in an open case', not judged.is_from_referral)
    ) as segments (segment, is_member)
),

-- the same assessments one by one, each with its young person
at_dates as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        assessments.young_person_key,
        assessments.is_from_referral,
        coalesce(
            assessments.authorised_date <= report_dates.report_date, false
        ) as is_authorised,
        assessments.is_within_45_working_days,
        case
            when assessments.authorised_date <= report_dates.report_date
                then case
                    when assessments.is_within_45_working_days is null
                        then 'dates contradict each other'
                end
            when report_dates.report_date >= assessments.referral_close_date
                then 'case closed, never authorised'
            when report_dates.year_before_date >= assessments.clock_start_date
                then 'open for more than a year'
            when
                coalesce(report_days.working_day_number, 2147483647)
                <= first_days.working_day_number + 45
                then 'open, not yet overdue'
        end as left_out_reason
    from report_dates
    inner join assessments
        on
            report_dates.authority = assessments.authority
            and report_dates.report_date >= assessments.clock_start_date
            and (
                assessments.authorised_date is null
                or report_dates.year_before_date < assessments.authorised_date
            )
    left join dates as report_days
        on report_dates.report_date = report_days.calendar_date
    left join dates as first_days
        on assessments.clock_start_date = first_days.calendar_date
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        at_dates.authority,
        at_dates.as_at_date,
        'assessments within 45 working days' as measure,
        segments.segment,
        at_dates.young_person_key,
        segments.is_member,
        at_dates.is_authorised and at_dates.is_within_45_working_days as is_counted,
        at_dates.left_out_reason
    from at_dates
    cross join lateral (
        values
        ('all', true),
        ('first of a referral', at_dates.is_from_referral),
        ('later in an open case', not at_dates.is_from_referral)
    ) as segments (segment, is_member)
),

{{ measured('members', weight='assessment_count', people='people') }}
