"""Which night may work on the warehouse, and the steps under the names that they have now."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

CURRENT_NIGHT = """
create table ops.current_night (
    is_only boolean primary key default true check (is_only),
    run_id text not null,
    driver integer,
    taken_at timestamptz not null default now()
);
comment on table ops.current_night is
    'at most one row: the night that may work; the steps of every other night refuse';
comment on column ops.current_night.run_id is 'the run in ops.runs that was planned last';
comment on column ops.current_night.driver is
    'number of the advisory lock that the process of the night holds for its whole life; '
    'null: the scheduler of Airflow runs the night';

update ops.run_steps set step = 'judge_records' where step = 'gate';
update ops.run_steps set step = 'judge_figures' where step = 'check';

-- killed by an earlier version, which left that for a person to say
update ops.runs set state = 'failed', finished_at = now(),
    message = 'The night was stopped before its end. What to do: run it again.'
where state = 'running';

comment on table ops.cutoffs is
    'one row per authority: staging shows its records as known at this load, the last that '
    'gate 1 accepted';
comment on column ops.runs.message is
    'what a person must do, in one line, without any value of a record';
"""


def upgrade() -> None:
    """Create ops.current_night, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(CURRENT_NIGHT)
