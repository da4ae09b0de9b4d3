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

-- a young person counts once for each panel, on the day of the first case
cases as (
    select
        authority,
        young_person_key,
        panel_code,
        presented_date,
        presented_date
        = min(presented_date) over (
            partition by authority, panel_code, young_person_key
        ) as is_first
    from panel_cases
),

-- counts start with a panel's first case, for each panel of each authority separately
members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        measures.measure,
        panels.panel as segment,
        cases.young_person_key,
        measures.is_member,
        true as is_counted,
        null::text as left_out_reason
    from report_dates
    inner join cases
        on
            report_dates.authority = cases.authority
            and report_dates.report_date >= cases.presented_date
    inner join panels on cases.panel_code = panels.panel_code
    cross join
        lateral (
            values
            ('young people presented to date', cases.is_first),
            ('cases presented to date', true),
            (
                'cases presented in 12 months',
                cases.presented_date
                >= {{ first_day_of_period('report_dates.report_date', 12) }}
            )
        ) as measures (measure, is_member)
),

{{ people_are('members') }}
presented as (
    select
        authority,
        as_at_date,
        measure,
        segment,
        count(*) filter (where is_member) as numerator
    from members
    group by authority, as_at_date, measure, segment
)

select
    authority,
    as_at_date,
    measure,
    segment,
    numerator::integer as numerator,
    null::integer as denominator,
    null::numeric(9, 6) as share,
    0 as left_out_count,
    null::text as left_out_reason
from presented
