"""For the desk: the decisions that count, figures that changed, and an index of workers."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"

VIEWS = """
create view quality.final_decisions as
select decisions.*
from quality.decisions
where not exists (
    select from quality.decisions as later
    where
        later.run_id = decisions.run_id
        and later.authority = decisions.authority
        and later.kind = decisions.kind
        and later.decision_id > decisions.decision_id
);
comment on view quality.final_decisions is
    'one row per run, authority and kind: the decision that counts, which is the last';
grant select on quality.final_decisions to carepath_desk;
"""

# the desk offers each worker once, without reading every finding
WORKERS = """
create index on quality.kept_findings (authority, worker) where fixed_on is null;
"""

FIGURES = """
grant select on quality.figure_findings to carepath_desk;
create index on quality.figure_findings (rule_id, gate_run_id);
"""


def upgrade() -> None:
    """Create and grant them, as carepath_owner."""
    for part in (VIEWS, WORKERS, FIGURES):
        op.get_bind().exec_driver_sql(part)
