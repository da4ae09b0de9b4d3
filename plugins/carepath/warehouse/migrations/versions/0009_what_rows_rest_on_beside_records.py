"""What the rows of a table rest on beside the records of one person."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

BASIS = """
alter table ops.built_loads add column basis_hash bigint;
comment on column ops.built_loads.basis_hash is
    'of what the rows rest on beside the records of one person, such as what the authority '
    'delivers: where it is another, all rows of the authority are made anew; null: nothing';
"""


def upgrade() -> None:
    """Add the column, as carepath_owner."""
    op.get_bind().exec_driver_sql(BASIS)
