"""Disposal of people whom only returns of past years still name."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"

CHANGES = """
alter table ops.disposals add column past_years text[] not null default '{}';
comment on column ops.disposals.past_years is
    'collection years whose returns still name the person: loading leaves these records out';

-- a hold lets the records of a person who was disposed of in again
grant select on identity.legal_holds to carepath_loader;
"""


def upgrade() -> None:
    """Carry them out, as carepath_owner."""
    op.get_bind().exec_driver_sql(CHANGES)
