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
        interviews.has_plan,
        interviews.is_involved_in_plan
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
    order by
        report_dates.authority asc, report_dates.report_date asc, segments.segment asc,
        interviews.young_person_key asc, segments.is_member desc,
        interviews.interview_date desc
),

members as (
    select
        answers.authority,
        answers.as_at_date,
        answers.young_person_key,
        measures.measure,
        answers.segment,
        measures.is_member,
        measures.is_counted,
        case when measures.is_counted is null then 'no answer recorded' end
            as left_out_reason
    from answers
    cross join lateral (
        values
        ('reports a plan', answers.is_member, answers.has_plan),
        (
            'feels involved in planning', answers.is_member and answers.has_plan,
            answers.is_involved_in_plan
        )
    ) as measures (measure, is_member, is_counted)
),

{{ measured('members') }}
