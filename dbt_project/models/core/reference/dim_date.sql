-- grain: one row per calendar day
with

days as (
    select day::date as calendar_date
    from
        generate_series(
            date '{{ var("first_calendar_date") }}',
            date '{{ var("last_calendar_date") }}',
            interval '1 day'
        ) as day
),

bank_holidays as (
    select * from {{ ref('bank_holidays') }}
),

-- the English financial year, and the year of a statutory return, begin on 1 April
years as (
    select
        calendar_date,
        extract(year from calendar_date - interval '3 months')::integer
            as financial_year_start,
        extract(quarter from calendar_date - interval '3 months')::integer
            as statutory_quarter
    from days
),

working_days as (
    select
        days.calendar_date,
        bank_holidays.holiday_date is not null as is_bank_holiday,
        extract(isodow from days.calendar_date) <= 5
        and bank_holidays.holiday_date is null as is_working_day
    from days
    left join bank_holidays on days.calendar_date = bank_holidays.holiday_date
)

select
    years.calendar_date,
    extract(year from years.calendar_date)::integer as calendar_year,
    extract(month from years.calendar_date)::integer as month_number,
    to_char(years.calendar_date, 'FMMonth') as month_name,
    to_char(years.calendar_date, 'YYYY-MM') as year_month,
    (date_trunc('month', years.calendar_date) + interval '1 month - 1 day')::date
        as month_end_date,
    extract(isodow from years.calendar_date)::integer as day_of_week_number,
    to_char(years.calendar_date, 'FMDay') as day_of_week_name,
    extract(isodow from years.calendar_date) >= 6 as is_weekend,
    years.calendar_date
    = (date_trunc('month', years.calendar_date) + interval '1 month - 1 day')
        as is_month_end,
    years.financial_year_start,
    years.financial_year_start
    || '-' || right((years.financial_year_start + 1)::text, 2) as financial_year,
    years.statutory_quarter,
    years.financial_year_start
    || '-' || right((years.financial_year_start + 1)::text, 2)
    || ' Q' || years.statutory_quarter as financial_year_quarter,
    years.financial_year_start + 1 as collection_year,
    working_days.is_bank_holiday,
    working_days.is_working_day,
    (
        count(*) filter (where working_days.is_working_day)
            over (order by years.calendar_date)
    )::integer as working_day_number
from years
inner join working_days on years.calendar_date = working_days.calendar_date
