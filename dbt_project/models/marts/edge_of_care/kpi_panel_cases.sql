-- grain: one row per authority, report date, measure and segment
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

panel_cases as (
    select * from {{ ref('fct_panel_cases') }}
),

panels as (
    select
        code as panel_code,
        description as panel
    from {{ ref('code_lists') }}
    where code_list = 'panel'
),

-- counts start with a panel's first case, for each panel of each authority separately
presented as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        panels.panel,
        count(*) as case_count,
        count(distinct panel_cases.young_person_key) as young_person_count,
        count(*) filter (
            where
            panel_cases.presented_date
            >= {{ first_day_of_period('report_dates.report_date', 12) }}
        ) as year_count
    from report_dates
    inner join panel_cases
        on
            report_dates.authority = panel_cases.authority
            and report_dates.report_date >= panel_cases.presented_date
    inner join panels on panel_cases.panel_code = panels.panel_code
    group by report_dates.authority, report_dates.report_date, panels.panel
)

select
    authority,
    as_at_date,
    measures.measure,
    panel as segment,
    measures.numerator::integer as numerator,
    null::integer as denominator,
    null::numeric(9, 6) as share,
    0 as left_out_count,
    null::text as left_out_reason
from presented
cross join
    lateral (
        values
        ('young people presented to date', young_person_count),
        ('cases presented to date', case_count),
        ('cases presented in 12 months', year_count)
    ) as measures (measure, numerator)
