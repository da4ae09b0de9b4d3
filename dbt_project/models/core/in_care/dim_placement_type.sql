-- grain: one row per placement type
with

placement_types as (
    select * from {{ ref('code_lists') }}
    where code_list = 'placement_type'
),

placement_groups as (
    select * from {{ ref('placement_groups') }}
)

select
    placement_types.code as placement_type_code,
    placement_types.description,
    placement_groups.placement_group,
    placement_groups.destination,
    placement_groups.is_temporary,
    placement_types.sort_order
from placement_types
inner join placement_groups
    on placement_types.code = placement_groups.placement_type_code
