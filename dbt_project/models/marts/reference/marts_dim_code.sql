-- grain: one row per code list and code
with

code_lists as (
    select * from {{ ref('code_lists') }}
)

select
    code_list,
    code,
    description as label,
    sort_order
from code_lists
