-- grain: one row per programme, cost item and day from which an amount pays
with

programme_costs as (
    select * from {{ ref('fct_programme_costs') }}
)

select
    programme_cost_key,
    authority,
    programme_code,
    cost_item,
    from_date,
    to_date,
    has_reversed_dates,
    amount_gbp
from programme_costs
