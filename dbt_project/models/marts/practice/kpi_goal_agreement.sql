-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

goals as (
    select * from {{ ref('fct_goals') }}
),

-- what a side named last replaces what it named before
latest_days as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        goals.young_person_key,
        goals.respondent_code,
        max(goals.recorded_date) as recorded_date
    from report_dates
    inner join goals
        on
            report_dates.authority = goals.authority
            and report_dates.report_date >= goals.recorded_date
    group by
        report_dates.authority, report_dates.report_date, goals.young_person_key,
        goals.respondent_code
),

sides as (
    select
        latest_days.authority,
        latest_days.as_at_date,
        latest_days.young_person_key,
        latest_days.respondent_code,
        array_agg(goals.theme_code order by goals.theme_code) as themes
    from latest_days
    inner join goals
        on
            latest_days.authority = goals.authority
            and latest_days.young_person_key = goals.young_person_key
            and latest_days.respondent_code = goals.respondent_code
            and latest_days.recorded_date = goals.recorded_date
    group by
        latest_days.authority, latest_days.as_at_date, latest_days.young_person_key,
        latest_days.respondent_code
),

cases as (
    select
        authority,
        as_at_date,
        young_person_key,
        max(themes) filter (where respondent_code = 'Y') as young_person_themes,
        max(themes) filter (where respondent_code = 'W') as worker_themes
    from sides
    group by authority, as_at_date, young_person_key
),

members as (
    select
        authority,
        as_at_date,
        young_person_key,
        'goals agree' as measure,
        'all' as segment,
        true as is_member,
        young_person_themes = worker_themes as is_counted,
        case
            when worker_themes is null then 'no goal of the worker recorded'
            when young_person_themes is null
                then 'no goal of the young person recorded'
        end as left_out_reason
    from cases
),

{{ measured('members') }}
