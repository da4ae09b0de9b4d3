"""Row policies on the marts: a login that is mapped to authorities sees only their rows."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"

READERS = """
create table ops.readers (
    login text not null,
    authority text not null,
    primary key (login, authority)
);
comment on table ops.readers is
    'one row per login that reads the marts and authority that it may see: site/readers.yml';
"""

# They run with the rights of their owner, because readers do not read ops. session_user is who
# signed in, whatever role was set afterwards.
FUNCTIONS = """
create function ops.reads_every_authority() returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
return not exists (select from ops.readers)
    or (
        session_user = 'bi_reader'
        and not exists (select from ops.readers where login = session_user)
    )
    or pg_has_role(session_user, 'carepath_loader', 'member');
comment on function ops.reads_every_authority is
    'whether who signed in sees all authorities: bi_reader and the service, and everybody while no '
    'login is mapped';

create function ops.readable_authorities() returns text[]
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
return array(select authority from ops.readers where login = session_user);
comment on function ops.readable_authorities is 'the authorities that who signed in is mapped to';

create function ops.protect_mart(mart regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('alter table %s enable row level security', mart);
    execute format(
        'create policy readers on %s for select to bi_reader using ('
        '(select ops.reads_every_authority())'
        ' or authority = any ((select ops.readable_authorities())::text[]))', mart
    );
    execute format('create policy builders on %s for select to carepath_loader using (true)', mart);
end $$;
comment on function ops.protect_mart is 'gives a new table of marts with authorities its policies';

grant execute on function ops.reads_every_authority, ops.readable_authorities
    to bi_reader, carepath_loader;
"""

PROTECT = """
select ops.protect_mart(c.oid::regclass)
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attname = 'authority'
where c.relnamespace = 'marts'::regnamespace and c.relkind in ('r', 'p')
"""


def upgrade() -> None:
    """Create them, and protect the marts that are there, as carepath_owner."""
    for part in (READERS, FUNCTIONS, PROTECT):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
