-- grain: one row per provider of placements
with

providers as (
    select * from {{ ref('dim_provider') }}
)

select
    provider_key,
    authority,
    provider_urn,
    provider_code,
    provider_code_count
from providers
