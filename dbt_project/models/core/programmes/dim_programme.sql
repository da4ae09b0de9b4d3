-- grain: one row per programme
with

programmes as (
    select * from {{ ref('programmes') }}
)

select
    programme_code,
    programme,
    programme_kind
from programmes
