-- grain: one row per young person and unbroken time with one plan by precedence
with

timeline as (
    select * from {{ ref('fct_plan_timeline') }}
)

select
    young_person_key,
    authority,
    from_date,
    to_date,
    plan_type_code,
    plan_spell_key,
    previous_plan_type_code,
    next_plan_type_code
from timeline
