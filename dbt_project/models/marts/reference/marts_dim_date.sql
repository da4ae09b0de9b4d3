-- grain: one row per calendar day
with

dates as (
    select * from {{ ref('dim_date') }}
)

select
    calendar_date,
    calendar_year,
    month_number,
    month_name,
    year_month,
    month_end_date,
    day_of_week_number,
    day_of_week_name,
    is_weekend,
    is_month_end,
    financial_year_start,
    financial_year,
    statutory_quarter,
    financial_year_quarter,
    collection_year,
    is_bank_holiday,
    is_working_day,
    working_day_number
from dates
