-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date
    from {{ ref('dim_report_date') }}
),

voices as (
    select * from {{ ref('fct_child_voices') }}
),

-- the answers have no date; each counts from the night on which it came in
members as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        answers.measure,
        'all' as segment,
        voices.young_person_key,
        true as is_member,
        answers.is_counted,
        case when answers.is_counted is null then 'no answer' end as left_out_reason
    from report_dates
    inner join voices
        on
            report_dates.authority = voices.authority
            and report_dates.as_at_date >= voices.known_from
    cross join
        lateral (
            values
            ('child: worries were explained', voices.has_worries_explained),
            ('child: the story helped', voices.is_helped_by_story),
            ('child: agreed with the worker', voices.is_agreed_with_worker),
            ('child: understood the plan', voices.is_plan_understood),
            ('child: the tablet helped', voices.is_helped_by_tablet)
        ) as answers (measure, is_counted)
    union all
    -- a date without any keeps one row
    select
        report_dates.authority,
        report_dates.as_at_date,
        measures.measure,
        'all' as segment,
        null as young_person_key,
        false as is_member,
        null as is_counted,
        null as left_out_reason
    from report_dates
    cross join
        (
            values
            ('child: worries were explained'),
            ('child: the story helped'),
            ('child: agreed with the worker'),
            ('child: understood the plan'),
            ('child: the tablet helped')
        ) as measures (measure)
),

{{ measured('members') }}
