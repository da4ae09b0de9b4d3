-- grain: one row per gate run, which judges one load of one authority
select
    gate_run_id,
    authority,
    gate,
    load_id,
    night,
    decision
from {{ source('quality', 'gate_runs') }}
