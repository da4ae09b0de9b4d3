-- grain: one row per rule of the register
select
    rule_id,
    severity,
    falsifies
from {{ source('quality', 'rules') }}
