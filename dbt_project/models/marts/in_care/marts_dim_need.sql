-- grain: one row per category of need
with

needs as (
    select * from {{ ref('dim_need') }}
)

select
    need_code,
    description,
    is_stated,
    sort_order
from needs
