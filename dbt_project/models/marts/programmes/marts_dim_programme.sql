-- grain: one row per programme
with

programmes as (
    select * from {{ ref('dim_programme') }}
)

select
    programme_code,
    programme,
    programme_kind
from programmes
