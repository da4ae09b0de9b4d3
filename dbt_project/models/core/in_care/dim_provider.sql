-- grain: one row per provider of placements
with

placements as (
    select
        authority,
        provider_code,
        {{ provider_urn('provider_urn') }} as provider_urn
    from {{ ref('stg_cla_placement') }}
),

keyed as (
    select
        *,
        {{ provider_key('authority', 'provider_urn', 'provider_code') }} as provider_key
    from placements
    where provider_urn is not null or provider_code is not null
)

select
    provider_key,
    authority,
    provider_urn,
    mode() within group (order by provider_code) as provider_code,
    count(distinct provider_code)::integer as provider_code_count
from keyed
group by provider_key, authority, provider_urn
