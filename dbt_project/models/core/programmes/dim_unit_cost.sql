-- grain: one row per authority, report date and unit cost
with

report_dates as (
    select * from {{ ref('dim_report_date') }}
),

unit_costs as (
    select * from {{ ref('unit_costs') }}
),

-- The authority's own cost counts before the one for any authority. The latest prices
-- up to the year of the report date count, else the earliest.
ranked as (
    select
        report_dates.authority,
        report_dates.report_date,
        unit_costs.unit_cost_code,
        unit_costs.amount_gbp,
        unit_costs.per,
        unit_costs.price_year,
        unit_costs.source,
        unit_costs.authority is not null as is_own,
        row_number() over (
            partition by
                report_dates.authority,
                report_dates.report_date,
                unit_costs.unit_cost_code
            order by
                unit_costs.authority is null,
                unit_costs.price_year > extract(year from report_dates.report_date),
                abs(
                    unit_costs.price_year - extract(year from report_dates.report_date)
                )
        ) as preference
    from report_dates
    inner join unit_costs
        on
            report_dates.authority
            = coalesce(unit_costs.authority, report_dates.authority)
)

select
    authority,
    report_date,
    unit_cost_code,
    amount_gbp,
    per,
    price_year,
    source,
    is_own
from ranked
where preference = 1
