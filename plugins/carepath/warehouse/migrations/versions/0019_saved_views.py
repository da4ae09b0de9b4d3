"""Views of the work list that a person has saved on the desk."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0016"

VIEWS = """
create table quality.desk_views (
    view_id bigint generated always as identity primary key,
    saved_by text not null check (saved_by ~ '\\S'),
    name text not null check (name ~ '\\S' and length(name) <= 60),
    filters jsonb not null,
    saved_at timestamptz not null default clock_timestamp(),
    unique (saved_by, name)
);
comment on table quality.desk_views is
    'one row per view of the work list that a person has saved on the desk';
comment on column quality.desk_views.filters is
    'the filters and the order, as the page''s address has them; never the key of a record';
revoke all on quality.desk_views from carepath_loader;
grant select, insert, delete on quality.desk_views to carepath_desk;
"""


def upgrade() -> None:
    """Create the table, as carepath_owner."""
    op.get_bind().exec_driver_sql(VIEWS)
