-- grain: one row per type of event on a young person's way
with

event_types as (
    select * from {{ ref('dim_event_type') }}
)

select
    event_type_code,
    event_type,
    day_rank,
    can_change_stage,
    event_table,
    detail_code_list
from event_types
