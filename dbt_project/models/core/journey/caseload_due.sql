-- grain: one row per thing overdue, or due in 14 days, at the latest report date
with

due as (
    select * from {{ ref('fct_due') }}
),

people as (
    select * from {{ ref('person_identity') }}
),

workers as (
    select * from {{ ref('worker_identity') }}
),

teams as (
    select * from {{ ref('dim_team') }}
)

select
    due.due_key,
    due.authority,
    due.as_at_date,
    due.due_type,
    due.due_date,
    due.is_overdue,
    people.person_id,
    workers.worker_id,
    due.worker_key,
    due.team_key,
    teams.team_name
from due
left join people on due.young_person_key = people.young_person_key
left join workers on due.worker_key = workers.worker_key
left join teams on due.team_key = teams.team_key
