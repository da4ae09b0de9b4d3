-- grain: one row per local authority
select
    authority,
    name as authority_name
from {{ source('ops', 'authorities') }}
