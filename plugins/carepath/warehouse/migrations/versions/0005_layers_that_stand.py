"""Which version of a layer of views stands, so that an unchanged one is not made again."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

LAYERS = """
create table ops.layers (
    layer text primary key,
    fingerprint text not null,
    view_count integer not null,
    built_at timestamptz not null default now()
);
comment on table ops.layers is 'one row per layer of views: the sources it was last made from';
comment on column ops.layers.fingerprint is
    'hash over the SQL, macros and settings of the layer: the same means that nothing is to do';
comment on column ops.layers.view_count is 'views in the schema when it was made';
"""


def upgrade() -> None:
    """Create ops.layers, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(LAYERS)
