-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select
        authority,
        report_date as as_at_date,
        {{ first_day_of_period('report_date', 12) }} as first_date
    from {{ ref('dim_report_date') }}
),

pre_proceedings as (
    select * from {{ ref('fct_pre_proceedings') }}
),

started as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        pre_proceedings.young_person_key
    from report_dates
    inner join pre_proceedings
        on
            report_dates.authority = pre_proceedings.authority
            and report_dates.as_at_date >= pre_proceedings.decision_date
            and report_dates.first_date <= pre_proceedings.decision_date
),

ended as (
    select
        report_dates.authority,
        report_dates.as_at_date,
        pre_proceedings.young_person_key,
        pre_proceedings.outcome_code
    from report_dates
    inner join pre_proceedings
        on
            report_dates.authority = pre_proceedings.authority
            and report_dates.as_at_date >= pre_proceedings.outcome_date
            and report_dates.first_date <= pre_proceedings.outcome_date
),

members as (
    select
        authority,
        as_at_date,
        'pre-proceedings started' as measure,
        'all' as segment,
        young_person_key,
        true as is_member,
        true as is_counted,
        null as left_out_reason
    from started
    union all
    select
        ended.authority,
        ended.as_at_date,
        outcomes.measure,
        'all' as segment,
        ended.young_person_key,
        true as is_member,
        ended.outcome_code = outcomes.outcome_code as is_counted,
        case when ended.outcome_code is null then 'outcome not recorded' end
            as left_out_reason
    from ended
    cross join
        (
            values
            ('pre-proceedings that led to care proceedings', 'ISSUE'),
            ('pre-proceedings that were stepped down', 'STEPDOWN')
        ) as outcomes (measure, outcome_code)
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
            ('pre-proceedings started'),
            ('pre-proceedings that led to care proceedings'),
            ('pre-proceedings that were stepped down')
        ) as measures (measure)
),

{{ measured('members', counts=['pre-proceedings started']) }}
