"""An index of the open findings about figures, which waivers of figures are looked up in."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"

# they are few among the findings about records, which were all read for each page of the work list
INDEX = """
create index on quality.kept_findings (rule_id) where fixed_on is null and gate = 2
"""


def upgrade() -> None:
    """Create it, as carepath_owner."""
    op.get_bind().exec_driver_sql(INDEX)
