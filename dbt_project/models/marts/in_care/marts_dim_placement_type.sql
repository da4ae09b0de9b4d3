-- grain: one row per placement type
with

placement_types as (
    select * from {{ ref('dim_placement_type') }}
)

select
    placement_type_code,
    description,
    placement_group,
    destination,
    is_temporary,
    sort_order
from placement_types
