"""Keys that nobody can compute from a case id: the secret, and the hash that uses it."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"

# The secret is made here, from the server's strong random numbers, and never leaves the
# warehouse but in its backup. It is where the names are, which it protects.
TABLE = """
create table identity.key_secret (
    is_only boolean primary key default true check (is_only),
    secret bytea not null check (length(secret) = 32),
    made_at timestamptz not null default now()
);
comment on table identity.key_secret is
    'one row: the secret that all surrogate keys are made with (docs/passwords.md)';
-- each uuid has 122 random bits
insert into identity.key_secret (secret)
select sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
grant select on identity.key_secret to carepath_loader;
"""

# Plain SQL of one expression, and stable as convert_to is: so PostgreSQL puts it into the query
# instead of calling it, which costs a fifth (docs/adr/0022).
HASH = """
create function core.keyed_hash(secret bytea, said text) returns bigint
language sql stable parallel safe
return hashtextextended(encode(sha256(secret || convert_to(said, 'UTF8')), 'hex'), 0)
    & 9007199254740991;
comment on function core.keyed_hash is
    'a surrogate key: 53 bits of the SHA-256 of the secret and the natural key';
grant execute on function core.keyed_hash to carepath_loader, carepath_analyst;

create function core.key_of(said text) returns bigint
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp
return core.keyed_hash((select secret from identity.key_secret), said);
comment on function core.key_of is
    'the surrogate key of a natural key (authority|case id), for those who may read case ids';
grant execute on function core.key_of to carepath_loader, carepath_analyst;
"""

# PostgreSQL writes through a plain view with the rights of the view's owner, so the default
# privileges let the loader into tables that only grow.
VIEWS = """
do $$
declare
    found record;
begin
    for found in
        select schemaname, viewname from pg_views where schemaname in ('quality', 'ops')
    loop
        execute format(
            'revoke insert, update, delete on %%I.%%I from carepath_loader',
            found.schemaname, found.viewname
        );
    end loop;
end $$
"""


def upgrade() -> None:
    """Create and grant them; the next night makes all tables again, with the new keys."""
    for part in (TABLE, HASH, VIEWS):
        op.get_bind().exec_driver_sql(part)
