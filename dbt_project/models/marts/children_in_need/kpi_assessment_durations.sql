-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

in_year as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        assessments.young_person_key,
        assessments.own_working_day_count,
        case
            when assessments.own_working_day_count is null
                then 'dates contradict each other'
        end as left_out_reason,
        case
            when assessments.own_working_day_count = 0 then '0 working days'
            when assessments.own_working_day_count <= 10 then '1 to 10 working days'
            when assessments.own_working_day_count <= 20 then '11 to 20 working days'
            when assessments.own_working_day_count <= 30 then '21 to 30 working days'
            when assessments.own_working_day_count <= 40 then '31 to 40 working days'
            when assessments.own_working_day_count <= 45 then '41 to 45 working days'
            when assessments.own_working_day_count <= 50 then '46 to 50 working days'
            when assessments.own_working_day_count <= 60 then '51 to 60 working days'
            when assessments.own_working_day_count > 60 then 'over 60 working days'
        end as duration
    from report_dates
    inner join assessments
        on
            report_dates.authority = assessments.authority
            and report_dates.as_at_date >= assessments.authorised_date
            and report_dates.first_date <= assessments.authorised_date
),

members as (
    select
        in_year.authority,
        in_year.as_at_date,
        cuts.measure,
        cuts.segment,
        in_year.young_person_key,
        true as is_member,
        cuts.is_counted,
        cuts.left_out_reason
    from in_year
    cross join
        lateral (
            values
            (
                'assessments within 45 working days (DfE)',
                'all',
                in_year.own_working_day_count <= 45,
                in_year.left_out_reason
            ),
            ('assessments authorised (DfE)', 'all', true, null),
            (
                'assessments authorised (DfE)',
                coalesce(in_year.duration, 'duration not known'),
                true,
                null
            )
        ) as cuts (measure, segment, is_counted, left_out_reason)
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
            ('assessments within 45 working days (DfE)'),
            ('assessments authorised (DfE)')
        ) as measures (measure)
),

{{ measured('members', counts=['assessments authorised (DfE)']) }}
