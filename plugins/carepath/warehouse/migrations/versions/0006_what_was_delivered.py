"""Which columns a delivery had, and whose records a failing test is about."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = """
alter table ops.table_deliveries add column columns text[];
comment on column ops.table_deliveries.columns is
    'the contract''s columns that the source had; null: loaded before this was recorded';

alter table ops.model_timings add column authorities text[];
comment on column ops.model_timings.authorities is
    'a failing test: whose rows fail; null: it cannot tell, so it may be anybody''s';
"""


def upgrade() -> None:
    """Add the columns, as carepath_owner."""
    op.get_bind().exec_driver_sql(COLUMNS)
