-- grain: one row per failing record and rule of a gate run
select
    gate_run_id,
    authority,
    rule_id,
    table_name,
    record_key,
    person_id
from {{ source('quality', 'failing_keys') }}
