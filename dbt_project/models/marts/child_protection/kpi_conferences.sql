-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

enquiries as (
    select * from {{ ref('fct_enquiries') }}
    where has_conference
),

dates as (
    select * from {{ ref('dim_date') }}
),

-- conferences held in the 12 months to each date, or outstanding at it; a date without
-- a conference keeps one row
in_period as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        {{ first_day_of_period('report_dates.report_date', 12) }} as first_date,
        enquiries.enquiry_key,
        enquiries.young_person_key,
        enquiries.start_date,
        enquiries.is_conference_within_15_working_days,
        coalesce(enquiries.conference_date <= report_dates.report_date, false)
            as is_held
    from report_dates
    left join enquiries
        on
            report_dates.authority = enquiries.authority
            and (
                report_dates.report_date >= enquiries.start_date
                or report_dates.report_date >= enquiries.conference_date
            )
            and (
                enquiries.conference_date is null
                or enquiries.conference_date
                >= {{ first_day_of_period('report_dates.report_date', 12) }}
            )
),

judged as (
    select
        in_period.*,
        case
            when
                in_period.is_held
                and in_period.is_conference_within_15_working_days is null
                then 'dates contradict each other'
            when in_period.is_held
                then null
            when in_period.start_date < in_period.first_date
                then 'not held for more than a year'
            when {{ working_days_between('first_day', 'last_day') }} <= 15
                then 'not yet held, not yet overdue'
        end as left_out_reason
    from in_period
    left join dates as first_day on in_period.start_date = first_day.calendar_date
    left join dates as last_day on in_period.as_at_date = last_day.calendar_date
),

members as (
    select
        authority,
        as_at_date,
        young_person_key,
        'conferences within 15 working days of the enquiry' as measure,
        'all' as segment,
        enquiry_key is not null as is_member,
        is_held and is_conference_within_15_working_days as is_counted,
        left_out_reason
    from judged
),

{{ measured('members') }}
