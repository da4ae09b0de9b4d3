-- grain: one row per young person, panel and day on which the case was presented
with

panel_cases as (
    select * from {{ ref('stg_panel_cases') }}
)

select
    {{ surrogate_key(['authority', 'person_id', 'panel_code', 'presented_date']) }}
        as panel_case_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    panel_code,
    presented_date
from panel_cases
where
    person_id is not null
    and panel_code is not null
    and presented_date is not null
group by authority, person_id, panel_code, presented_date
