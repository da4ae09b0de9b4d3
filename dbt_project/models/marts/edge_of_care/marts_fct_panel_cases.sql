-- grain: one row per young person, panel and day on which the case was presented
with

panel_cases as (
    select * from {{ ref('fct_panel_cases') }}
)

select
    panel_case_key,
    young_person_key,
    authority,
    panel_code,
    presented_date
from panel_cases
