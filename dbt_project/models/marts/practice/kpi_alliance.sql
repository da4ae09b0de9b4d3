-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

inventories as (
    select * from {{ ref('fct_alliance_inventories') }}
),

members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        segments.segment,
        inventories.young_person_key,
        inventories.respondent_code = segments.respondent_code as is_member,
        measures.value,
        case
            when measures.value is not null then null
            when measures.measure = 'total' then 'not scored on all three'
            else 'no score from 1 to 7'
        end as left_out_reason
    from report_dates
    inner join inventories
        on
            report_dates.authority = inventories.authority
            and report_dates.report_date >= inventories.completed_date
    cross join
        lateral (
            values
            ('goal', inventories.goal_score),
            ('task', inventories.task_score),
            ('bond', inventories.bond_score),
            ('total', inventories.total_score)
        ) as measures (measure, value)
    cross join (
        values
        ('young people and families', 'Y'),
        ('workers', 'W')
    ) as segments (segment, respondent_code)
),

{{ averaged(
    'members', "case measure when 'total' then 'score 3 to 21' else 'score 1 to 7' end"
) }}
