-- grain: one row per authority, report date, measure and segment
with

{{ numbered_report_dates() }},

-- used twice below and not materialised, because the result would not fit into memory
plans as not materialized (
    select * from {{ ref('fct_plan_spells') }}
),

plan_types as (
    select * from {{ ref('dim_plan_type') }}
    where plan_type_code in ('CP', 'CIN')
),

-- the day two years before each date
two_years_before as (
    select
        authority,
        array_agg((report_date - interval '2 years')::date order by date_number)
            as dates
    from report_dates
    group by authority
),

-- plans that are open at the same dates, and long from the same date on, are grouped
alike as (
    select
        plans.authority,
        plans.plan_type_code,
        {{ first_date_number('plans.start_date') }} as first_number,
        {{ last_date_number('plans.end_date') }} as last_number,
        {{ first_date_number('plans.start_date', 'two_years_before.dates') }}
            as first_long_number,
        count(*) as plan_count
    from plans
    inner join calendars on plans.authority = calendars.authority
    inner join two_years_before on plans.authority = two_years_before.authority
    group by
        plans.authority, plans.plan_type_code, first_number, last_number,
        first_long_number
),

-- a date without a plan keeps one row
members as (
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        'plans open for two years or more' as measure,
        plan_types.plan_type as segment,
        alike.plan_count is not null as is_member,
        report_dates.date_number >= alike.first_long_number as is_counted,
        null as left_out_reason,
        alike.plan_count
    from report_dates
    cross join plan_types
    left join alike
        on
            report_dates.authority = alike.authority
            and plan_types.plan_type_code = alike.plan_type_code
            and report_dates.date_number
            between alike.first_number and alike.last_number
),

-- keep_members() reads it
people as ( -- noqa: ST03
    select
        report_dates.authority,
        report_dates.report_date as as_at_date,
        'plans open for two years or more' as measure,
        plan_types.plan_type as segment,
        plans.young_person_key,
        true as is_member,
        plans.start_date <= (report_dates.report_date - interval '2 years')::date
            as is_counted,
        null::text as left_out_reason
    from report_dates
    inner join plans
        on
            report_dates.authority = plans.authority
            and report_dates.report_date >= plans.start_date
            and (plans.end_date is null or report_dates.report_date < plans.end_date)
    inner join plan_types on plans.plan_type_code = plan_types.plan_type_code
),

{{ measured('members', weight='plan_count', people='people') }}
