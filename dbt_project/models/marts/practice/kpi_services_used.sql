-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

interviews as (
    select * from {{ ref('fct_interviews') }}
),

-- a person who was interviewed more than once counts with the last interview of the
-- segment
answers as (
    select distinct on (
        report_dates.authority, report_dates.report_date, segments.segment,
        interviews.young_person_key
    )
        report_dates.authority,
        report_dates.report_date as as_at_date,
        segments.segment,
        segments.is_member,
        interviews.young_person_key,
        interviews.service_count
    from report_dates
    inner join interviews
        on
            report_dates.authority = interviews.authority
            and report_dates.report_date >= interviews.interview_date
    cross join
        lateral (
            values
            ('all', true),
            ('early', interviews.phase_code is not distinct from 'EARLY'),
            ('post', interviews.phase_code is not distinct from 'POST')
        ) as segments (segment, is_member)
    where interviews.is_care_leaver
    order by
        report_dates.authority asc, report_dates.report_date asc, segments.segment asc,
        interviews.young_person_key asc, segments.is_member desc,
        interviews.interview_date desc
),

members as (
    select
        authority,
        as_at_date,
        young_person_key,
        'mean services used per care leaver' as measure,
        segment,
        is_member,
        service_count as value,
        case when service_count is null then 'no service recorded' end
            as left_out_reason
    from answers
),

{{ averaged('members', "'services'") }}
