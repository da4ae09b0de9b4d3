"""What the marts hold, for those who read nothing but marts."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

PUBLICATION = """
create table marts.publication (
    authority text primary key,
    publication_id bigint not null,
    night date not null,
    load_id bigint not null,
    kind text not null check (kind in ('publish', 'rollback')),
    code_version text not null,
    published_at timestamptz not null
);
comment on table marts.publication is
    'one row per authority: the publication that its rows in all other marts belong to';
comment on column marts.publication.publication_id is
    'rises with every publication and rollback; a report whose tables were read under two '
    'different ids has to be refreshed again';
comment on column marts.publication.night is 'the night of the delivery that the figures rest on';
comment on column marts.publication.load_id is 'the delivery that the figures rest on';
comment on column marts.publication.kind is 'publish, or rollback to the set before';
comment on column marts.publication.code_version is 'version and commit that built the figures';
"""


def upgrade() -> None:
    """Create marts.publication, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(PUBLICATION)
