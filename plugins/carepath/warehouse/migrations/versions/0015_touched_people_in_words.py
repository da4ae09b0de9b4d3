"""Say in the catalogue what a blank person of ops.changed_people means."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

COMMENTS = """
comment on table ops.changed_people is
    'one row per load, table and person whose records it changed';
comment on column ops.changed_people.person_id is
    'the case id as staging shows it; blank is everybody of the authority';
comment on table ops.entangled_people is
    'one row per person of whom a record shares an id with a record of somebody else, or of '
    'nobody: their rows of core are made again every night';
comment on column ops.built_loads.table_oid is
    'PostgreSQL''s identity of the table; one that was made by other means is not trusted';
comment on column ops.built_loads.basis_hash is
    'what the rows rest on beside the records of people (rests_on of the model)';
"""


def upgrade() -> None:
    """Change the comments, as carepath_owner."""
    op.get_bind().exec_driver_sql(COMMENTS)
