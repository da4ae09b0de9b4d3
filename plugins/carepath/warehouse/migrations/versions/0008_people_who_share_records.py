"""Who shares records with somebody else, by mistake or because a record names nobody."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

ENTANGLED = """
create table ops.entangled_people (
    authority text not null,
    person_id text not null,
    primary key (authority, person_id)
);
comment on table ops.entangled_people is
    'one row per person of whom a record, of whatever time, goes by an id by which a record of '
    'somebody else, or of nobody, goes too: their rows of core are made anew every night';
"""


def upgrade() -> None:
    """Create the table, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(ENTANGLED)
