-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- authorised in the 12 months to each date, or open at it; a date without any keeps one
-- row without an assessment
in_period as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        (report_dates.report_date - interval '12 months')::date as period_start_date,
        assessments.assessment_key,
        assessments.is_from_referral,
        assessments.clock_start_date,
        assessments.is_within_45_working_days,
        coalesce(assessments.authorised_date <= report_dates.report_date, false)
            as is_authorised,
        coalesce(assessments.referral_close_date <= report_dates.report_date, false)
            as is_case_closed
    from report_dates
    left join assessments
        on
            report_dates.authority = assessments.authority
            and report_dates.report_date >= assessments.clock_start_date
            and (
                assessments.authorised_date is null
                or assessments.authorised_date
                > report_dates.report_date - interval '12 months'
            )
),

judged as (
    select
        in_period.*,
        case
            when in_period.is_authorised and in_period.is_within_45_working_days is null
                then 'dates contradict each other'
            when in_period.is_authorised
                then null
            when in_period.is_case_closed
                then 'case closed, never authorised'
            when in_period.clock_start_date <= in_period.period_start_date
                then 'open for more than a year'
            when {{ working_days_between('first_day', 'last_day') }} <= 45
                then 'open, not yet overdue'
        end as left_out_reason
    from in_period
    left join dates as first_day on in_period.clock_start_date = first_day.calendar_date
    left join dates as last_day on in_period.snapshot_date = last_day.calendar_date
),

-- those that are alike at a date, counted once before they are shown by segment
alike as (
    select
        authority,
        snapshot_date,
        is_from_referral,
        is_authorised and is_within_45_working_days as is_counted,
        left_out_reason,
        count(assessment_key) as assessment_count
    from judged
    group by
        authority, snapshot_date, is_from_referral,
        is_authorised and is_within_45_working_days, left_out_reason
),

members as (
    select
        alike.authority,
        alike.snapshot_date,
        'assessments within 45 working days' as measure,
        segments.segment,
        segments.is_member,
        alike.is_counted,
        alike.left_out_reason,
        alike.assessment_count
    from alike
    cross join lateral (
        values
        ('all', true),
        ('first of a referral', alike.is_from_referral),
        ('later in an open case', not alike.is_from_referral)
    ) as segments (segment, is_member)
),

{{ measured('members', weight='assessment_count') }}
