"""Legal holds, requests to dispose of a person's records, and the register of disposals."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"

TABLES = """
create table identity.legal_holds (
    event_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    person_id text not null check (person_id ~ '\\S'),
    event text not null check (event in ('held', 'released')),
    reason text not null check (reason ~ '\\S'),
    done_by text not null check (done_by ~ '\\S'),
    done_at timestamptz not null default clock_timestamp()
);
comment on table identity.legal_holds is
    'one row per hold or release of a person''s records; the last one of a person counts';
create index on identity.legal_holds (authority, person_id);

create table identity.disposal_requests (
    request_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    person_id text not null check (person_id ~ '\\S'),
    asked_by text not null check (asked_by ~ '\\S'),
    asked_at timestamptz not null default clock_timestamp(),
    unique (authority, person_id)
);
comment on table identity.disposal_requests is
    'one row per person whose disposal somebody has asked for, until another person disposes';

create table identity.disposal_secret (
    is_only boolean primary key default true check (is_only),
    secret bytea not null check (length(secret) = 32)
);
comment on table identity.disposal_secret is
    'one row: the secret with which people are recognised after disposal. Unlike the secret of '
    'the keys it never changes';
insert into identity.disposal_secret (secret)
select sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);

create table ops.disposals (
    disposal_id bigint generated always as identity primary key,
    authority text not null references ops.authorities,
    kind text not null check (kind in ('looked after', 'adopted', 'other')),
    rows_removed jsonb not null,
    asked_by text not null check (asked_by ~ '\\S'),
    done_by text not null check (done_by ~ '\\S'),
    done_at timestamptz not null default clock_timestamp(),
    constraint two_people check (lower(btrim(done_by)) <> lower(btrim(asked_by)))
);
comment on table ops.disposals is
    'one row per person whose records were removed, only added to: nothing that says who it was';
comment on column ops.disposals.rows_removed is 'number of rows by table (schema.table)';

create table identity.disposed_people (
    authority text not null references ops.authorities,
    person_hash bytea not null check (length(person_hash) = 32),
    disposal_id bigint not null references ops.disposals,
    primary key (authority, person_hash)
);
comment on table identity.disposed_people is
    'one row per person whose records were removed, only added to: a hash of the case id with '
    'identity.disposal_secret, so that a later delivery of the same person is reported';

create function identity.disposed_hash(authority text, person_id text) returns bytea
language sql stable parallel safe
return sha256(
    (select secret from identity.disposal_secret)
    || convert_to(authority || '|' || person_id, 'UTF8')
);
comment on function identity.disposed_hash is 'the hash of a person in identity.disposed_people';

grant select on identity.disposed_people, identity.disposal_secret to carepath_loader;
grant execute on function identity.disposed_hash to carepath_loader;
grant select on identity.legal_holds, identity.disposal_requests to carepath_steward;
revoke insert, update, delete on ops.disposals from carepath_loader;
"""

LOCKS = """
create trigger only_added_to before update or delete on {table}
for each row execute function ops.refuse_change();
create trigger never_emptied before truncate on {table}
for each statement execute function ops.refuse_change();
"""


def upgrade() -> None:
    """Create them, as carepath_owner; the default privileges let analysts read the register."""
    connection = op.get_bind()
    connection.exec_driver_sql(TABLES.replace("%", "%%"))
    for table in ("ops.disposals", "identity.disposed_people"):
        connection.exec_driver_sql(LOCKS.format(table=table))
