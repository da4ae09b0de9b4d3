-- grain: one row per type of plan
with

plan_types as (
    select * from {{ ref('dim_plan_type') }}
)

select
    plan_type_code,
    plan_type,
    precedence
from plan_types
