-- grain: one row per category of need
with

needs as (
    select * from {{ ref('code_lists') }}
    where code_list = 'need'
)

select
    code as need_code,
    description,
    code <> 'N0' as is_stated,
    sort_order
from needs
