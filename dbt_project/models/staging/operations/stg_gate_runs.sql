-- grain: one row per decision of a gate for one authority
select
    gate_run_id,
    authority,
    gate,
    load_id,
    night,
    decision
from {{ source('quality', 'gate_runs') }}
