"""Let bi_reader see the primary keys of marts, from which Power BI learns how tables relate.

information_schema.table_constraints leaves out the tables that a role may only select from. The
right to refer to a table shows its keys. It changes no row, and bi_reader may not create the
table that would refer to another.
"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0025"

KEYS = """
grant references on all tables in schema marts to bi_reader;
alter default privileges for role carepath_owner in schema marts
    grant references on tables to bi_reader;
"""


def upgrade() -> None:
    """Grant it, as carepath_owner; the default privileges cover later marts."""
    op.get_bind().exec_driver_sql(KEYS)
