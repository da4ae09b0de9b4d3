-- grain: one row per local authority
with

authorities as (
    select * from {{ ref('dim_authority') }}
)

select
    authority,
    authority_name
from authorities
