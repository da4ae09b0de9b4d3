-- grain: one row per authority, snapshot date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

plans as (
    select * from {{ ref('fct_plan_spells') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
    where plan_type_code in ('CP', 'CIN')
),

-- plans open at each date; a date without any keeps one row without a plan
members as (
    select
        report_dates.authority,
        report_dates.report_date as snapshot_date,
        'plans open for two years or more' as measure,
        plan_types.plan_type as segment,
        plans.plan_spell_key is not null as is_member,
        plans.start_date <= report_dates.report_date - interval '2 years' as is_counted,
        null as left_out_reason
    from report_dates
    cross join plan_types
    left join plans
        on
            report_dates.authority = plans.authority
            and plan_types.plan_type_code = plans.plan_type_code
            and report_dates.report_date >= plans.start_date
            and (
                plans.end_date is null
                or report_dates.report_date < plans.end_date
            )
),

{{ measured('members') }}
