"""An index that counts the open findings of each rule, authority and table, and orders them."""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"

INDEX = """
create index on quality.kept_findings (
    rule_id, authority, table_name, failing_since, finding_id
) where fixed_on is null
"""


def upgrade() -> None:
    """Create it, as carepath_owner."""
    op.get_bind().exec_driver_sql(INDEX)
