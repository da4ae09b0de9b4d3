-- grain: one row per authority: the load as at which staging shows its records
select
    authority,
    load_id,
    night
from {{ source('ops', 'cutoffs') }}
