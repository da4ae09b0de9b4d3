-- grain: one row per local authority
with

authorities as (
    select * from {{ ref('stg_authorities') }}
)

select
    authority,
    authority_name
from authorities
