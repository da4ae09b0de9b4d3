-- grain: one row per authority, kind of thing that is due, team and worker
with

due as (
    select * from {{ ref('fct_due') }}
)

select
    {{ surrogate_key([
        'authority', 'due_type', "coalesce(team_key, 0)", "coalesce(worker_key, 0)",
    ]) }} as due_count_key,
    authority,
    as_at_date,
    due_type,
    team_key,
    worker_key,
    (count(*) filter (where not is_overdue))::integer as due_count,
    (count(*) filter (where is_overdue))::integer as overdue_count
from due
group by authority, as_at_date, due_type, team_key, worker_key
