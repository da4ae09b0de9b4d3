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

-- the English financial year, and the year of a statutory return, begin on 1 April
years as (
    select
        calendar_date,
        extract(year from calendar_date - interval '3 months')::integer
            as financial_year_start,
        extract(quarter from calendar_date - interval '3 months')::integer
            as statutory_quarter
    from days
)

select
    calendar_date,
    extract(year from calendar_date)::integer as calendar_year,
    extract(month from calendar_date)::integer as month_number,
    to_char(calendar_date, 'FMMonth') as month_name,
    to_char(calendar_date, 'YYYY-MM') as year_month,
    (date_trunc('month', calendar_date) + interval '1 month - 1 day')::date
        as month_end_date,
    extract(isodow from calendar_date)::integer as day_of_week_number,
    to_char(calendar_date, 'FMDay') as day_of_week_name,
    extract(isodow from calendar_date) >= 6 as is_weekend,
    calendar_date = (date_trunc('month', calendar_date) + interval '1 month - 1 day')
        as is_month_end,
    financial_year_start,
    financial_year_start || '-' || right((financial_year_start + 1)::text, 2)
        as financial_year,
    statutory_quarter,
    financial_year_start || '-' || right((financial_year_start + 1)::text, 2)
    || ' Q' || statutory_quarter as financial_year_quarter,
    financial_year_start + 1 as collection_year
from years
