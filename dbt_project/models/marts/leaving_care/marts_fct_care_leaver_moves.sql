-- grain: one row per care leaver per snapshot date
with

moves as (
    select * from {{ ref('fct_care_leaver_moves') }}
)

select
    young_person_key,
    authority,
    as_at_date,
    accommodation_move_count,
    accommodation_left_out_reason,
    worker_change_count,
    worker_left_out_reason
from moves
