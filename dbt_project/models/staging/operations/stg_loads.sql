-- grain: one row per load of one source
select
    load_id,
    authority,
    source,
    night,
    period,
    state
from {{ source('ops', 'loads') }}
