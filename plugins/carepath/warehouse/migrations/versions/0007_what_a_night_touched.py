"""Whose records a load changed, and of which loads the tables of core stand."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

TOUCHED = """
create table ops.changed_people (
    load_id bigint not null references ops.loads on delete cascade,
    table_name text not null,
    person_id text not null,
    primary key (load_id, table_name, person_id)
);
comment on table ops.changed_people is
    'one row per load, table and person with a version opened or closed by it; a delivery that '
    'changed something and has no row here touched everybody of its authority';
comment on column ops.changed_people.person_id is 'the case id as staging shows it';

create table ops.built_loads (
    table_name text not null,
    authority text not null,
    load_id bigint not null,
    table_oid oid not null,
    primary key (table_name, authority)
);
comment on table ops.built_loads is
    'one row per table that keeps rows from night to night and authority: the load as known at '
    'which its rows stand, written in the transaction that wrote them';
comment on column ops.built_loads.table_oid is
    'PostgreSQL''s identity of the table: of one made anew by other means, nothing is known';

comment on table ops.layers is
    'one row per layer: the sources it was last made from; core stands for core and marts';
comment on column ops.layers.view_count is 'views in the schema when it was made; core: 0';
"""


def upgrade() -> None:
    """Create both tables, as carepath_owner; the default privileges give the grants."""
    op.get_bind().exec_driver_sql(TOUCHED)
