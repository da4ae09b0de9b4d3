-- grain: one row per authority, young person, respondent and day
with

inventories as (
    select * from {{ ref('stg_alliance_inventories') }}
),

latest as (
    select distinct on (authority, person_id, respondent_code, completed_date) *
    from inventories
    where
        person_id is not null
        and respondent_code is not null
        and completed_date is not null
    order by
        authority asc, person_id asc, respondent_code asc, completed_date asc,
        known_from desc, from_load desc, inventories::text desc
),

scored as (
    select
        authority,
        person_id,
        respondent_code,
        completed_date,
        worker_id,
        case when goal_score between 1 and 7 then goal_score end as goal_score,
        case when task_score between 1 and 7 then task_score end as task_score,
        case when bond_score between 1 and 7 then bond_score end as bond_score
    from latest
)

select
    {{ surrogate_key([
        'authority', 'person_id', 'respondent_code', 'completed_date',
    ]) }} as alliance_inventory_key,
    {{ surrogate_key(['authority', 'person_id']) }} as young_person_key,
    authority,
    respondent_code,
    completed_date,
    goal_score,
    task_score,
    bond_score,
    goal_score + task_score + bond_score as total_score,
    {{ surrogate_key(['authority', 'worker_id']) }} as worker_key
from scored
