"""Which settings of the council each night ran with, and when one changed."""

from alembic import op

revision = "0012"
down_revision = "0010"

SITE_SETTINGS = """
create table ops.site_settings (
    setting_id bigint generated always as identity primary key,
    run_id text not null references ops.runs on delete cascade,
    file text not null,
    is_default boolean not null,
    content_hash text,
    row_count integer not null,
    changed_by text,
    changed_at timestamptz,
    recorded_at timestamptz not null default now()
);
comment on table ops.site_settings is
    'one row per settings file and change: the first night that ran with it';
comment on column ops.site_settings.is_default is
    'the project''s default, because the council has no file of its own';
comment on column ops.site_settings.content_hash is 'SHA-256 of the file';
comment on column ops.site_settings.changed_by is 'account that owned the file';
comment on column ops.site_settings.changed_at is 'when the file was last written';
create index on ops.site_settings (file, setting_id);
"""


def upgrade() -> None:
    """Add the table, as carepath_owner; the default privileges give it its grants."""
    op.get_bind().exec_driver_sql(SITE_SETTINGS)
