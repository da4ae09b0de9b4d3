-- grain: one row per authority, month, placement group and age before and after
with

care_flows as (
    select * from {{ ref('fct_care_flows') }}
)

select
    authority,
    as_at_date,
    from_group,
    from_age_band,
    to_group,
    to_age_band,
    child_count,
    costed_count,
    weekly_cost_gbp
from care_flows
