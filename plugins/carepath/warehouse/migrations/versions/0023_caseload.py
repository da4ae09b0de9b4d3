"""The schema of what is due, with case ids, and the role that reads it."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0020"

SCHEMA = """
create schema caseload;
comment on schema caseload is 'what is due and overdue, with case ids; nothing else of a record';
grant usage, create on schema caseload to carepath_loader;
grant usage on schema caseload to carepath_caseload;
alter default privileges for role carepath_loader in schema caseload
    grant select on tables to carepath_caseload;
"""


def upgrade() -> None:
    """Create the schema, as carepath_owner; the default privileges cover what dbt creates."""
    op.get_bind().exec_driver_sql(SCHEMA)
