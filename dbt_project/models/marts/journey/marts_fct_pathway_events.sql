-- grain: one row per event of a young person's way
with

events as (
    select * from {{ ref('fct_pathway_events') }}
)

select
    pathway_event_key,
    young_person_key,
    authority,
    event_number,
    event_date,
    event_type_code,
    detail_code,
    source_key,
    stage,
    previous_stage,
    is_stage_change,
    days_in_previous_stage,
    previous_event_type_code,
    previous_event_date,
    days_since_previous,
    next_event_type_code,
    next_event_date,
    days_to_next
from events
