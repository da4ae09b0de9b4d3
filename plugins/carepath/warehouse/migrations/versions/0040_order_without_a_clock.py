"""Number the runs, and the models of a run, in the order in which they were recorded.

Their times do not give that order after somebody sets the server's clock back.
"""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"

NUMBERS = """
alter table ops.runs add column run_number bigint;
update ops.runs set run_number = numbered.run_number
from (
    select run_id, row_number() over (order by started_at, run_id) as run_number from ops.runs
) as numbered
where runs.run_id = numbered.run_id;
alter table ops.runs
    alter column run_number set not null,
    alter column run_number add generated always as identity,
    add unique (run_number);
select setval(
    pg_get_serial_sequence('ops.runs', 'run_number'),
    (select coalesce(max(run_number), 0) + 1 from ops.runs),
    false
);
comment on column ops.runs.run_number is
    'counts up with each run, even if the clock of the server is set back';

alter table ops.model_timings add column timing_id bigint;
update ops.model_timings set timing_id = numbered.timing_id
from (
    select ctid as place, row_number() over (order by recorded_at, ctid) as timing_id
    from ops.model_timings
) as numbered
where model_timings.ctid = numbered.place;
alter table ops.model_timings
    alter column timing_id set not null,
    alter column timing_id add generated always as identity,
    add primary key (timing_id);
select setval(
    pg_get_serial_sequence('ops.model_timings', 'timing_id'),
    (select coalesce(max(timing_id), 0) + 1 from ops.model_timings),
    false
);
comment on column ops.model_timings.timing_id is
    'counts up with each row, even if the clock of the server is set back';
"""


def upgrade() -> None:
    """Number what is there in the order of its times, and go on from there."""
    op.execute(NUMBERS)
