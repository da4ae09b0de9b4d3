"""Who may do what in the warehouse: read from PostgreSQL, and compared with the release's list.

The list, `privileges.csv`, has a line for each object and role. A table that has just what the
default privileges of its schema give is not named, so neither a new mart nor a rebuild changes the
list. A table that has anything else, or lacks something, is a line of its own.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any, Final

import psycopg

LIST: Final = Path(__file__).with_name("privileges.csv")
HEADINGS: Final = ("kind", "object", "role", "privileges")

HISTORY: Final = "history"  # its tables get their privileges from the code that creates them

Line = tuple[str, str, str, str]

# The owner of an object may do everything with it, and is not named.
_MATRIX: Final = """
with schemas as (
    select oid, nspname, nspowner, nspacl
    from pg_namespace
    where nspname !~ '^(pg_|information_schema$)' and nspname !~ '_as_known_'
),

defaults as (
    select d.defaclrole, d.defaclnamespace, d.defaclobjtype, acl.grantee, acl.privilege_type
    from pg_default_acl as d
    cross join lateral aclexplode(d.defaclacl) as acl
    where acl.grantee <> d.defaclrole
),

relations as (
    select
        c.oid,
        s.nspname,
        s.oid as namespace,
        c.relname,
        c.relowner,
        c.relacl,
        case c.relkind
            when 'S' then 'sequence'
            when 'm' then 'view'
            when 'v' then case
                when 'security_invoker=true' = any(c.reloptions)
                    or 'security_invoker=on' = any(c.reloptions)
                then 'view (of the invoker)' else 'view'
            end
            else 'table'
        end as kind
    from pg_class as c
    inner join schemas as s on c.relnamespace = s.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
),

relation_grants as (
    select r.*, acl.grantee, acl.privilege_type
    from relations as r
    cross join lateral aclexplode(r.relacl) as acl
    where acl.grantee <> r.relowner
    union all
    select r.*, acl.grantee, acl.privilege_type || ' (' || a.attname || ')'
    from relations as r
    inner join pg_attribute as a on r.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
    cross join lateral aclexplode(a.attacl) as acl
    where acl.grantee <> r.relowner
),

-- a table that lacks a default privilege is as remarkable as one with another privilege
lacking as (
    select r.*, d.grantee, d.privilege_type
    from relations as r
    inner join defaults as d
        on r.relowner = d.defaclrole
        and r.namespace = d.defaclnamespace
        and d.defaclobjtype = 'r'
    where r.kind <> 'sequence' and not exists (
        select from relation_grants as g
        where g.oid = r.oid and g.grantee = d.grantee and g.privilege_type = d.privilege_type
    )
),

lines (kind, object, grantee, privilege) as (
    select 'database', d.datname::text, acl.grantee, acl.privilege_type
    from pg_database as d
    cross join lateral aclexplode(d.datacl) as acl
    where d.datname = current_database() and acl.grantee <> d.datdba
    union all
    select 'schema', s.nspname, acl.grantee, acl.privilege_type
    from schemas as s
    cross join lateral aclexplode(s.nspacl) as acl
    where acl.grantee <> s.nspowner
    union all
    select
        case d.defaclobjtype when 'r' then 'later tables' when 'f' then 'later functions'
            when 'S' then 'later sequences' when 'n' then 'later schemas' else 'later types' end
            || ' of ' || pg_get_userbyid(d.defaclrole),
        coalesce(n.nspname, 'all schemas'), d.grantee, d.privilege_type
    from defaults as d
    left join pg_namespace as n on d.defaclnamespace = n.oid
    union all
    select g.kind, g.nspname || '.' || g.relname, g.grantee, g.privilege_type
    from relation_grants as g
    where not exists (
        select from defaults as d
        where
            d.defaclrole = g.relowner
            and d.defaclnamespace = g.namespace
            and d.defaclobjtype = 'r'
            and d.grantee = g.grantee
            and d.privilege_type = g.privilege_type
    )
    union all
    select l.kind, l.nspname || '.' || l.relname, l.grantee, 'lacks ' || l.privilege_type
    from lacking as l
    union all
    select
        case when p.prosecdef then 'function (of its owner)' else 'function' end,
        p.oid::regprocedure::text,
        acl.grantee, acl.privilege_type
    from pg_proc as p
    inner join schemas as s on p.pronamespace = s.oid
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
    where acl.grantee <> p.proowner
    union all
    select distinct
        'row policy' || case when p.polpermissive then '' else ' (restrictive)' end,
        r.nspname || '.*' || case when p.polpermissive then '' else ': ' || p.polname end,
        role.oid,
        case when p.polpermissive then p.polname || ': ' else '' end
        || regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g')
    from pg_policy as p
    inner join relations as r on p.polrelid = r.oid
    cross join lateral unnest(p.polroles) as role (oid)
    where r.nspname in ('marts', 'caseload')
    union all
    select
        'table', r.nspname || '.' || r.relname, r.relowner,
        'has ' || count(p.oid)::text || ' row policies of ' || wanted.policies::text
        || case
            when bool_or(p.polname = ops.team_rule(r.oid)) then ''
            else ', and not ' || ops.team_rule(r.oid)
        end
    from relations as r
    inner join pg_class as c on r.oid = c.oid
    inner join pg_attribute as a on r.oid = a.attrelid and a.attname = 'authority'
    inner join (values ('marts', 3), ('caseload', 2)) as wanted (schema, policies)
        on r.nspname = wanted.schema
    left join pg_policy as p on r.oid = p.polrelid and c.relrowsecurity
    where r.kind = 'table'
    group by r.oid, r.nspname, r.relname, r.relowner, wanted.policies
    having
        count(p.oid) <> wanted.policies
        or bool_or(p.polname = ops.team_rule(r.oid)) is not true
    union all
    -- it would show rows that a row policy hides from who reads it
    select 'view', r.nspname || '.' || r.relname, r.relowner, 'reads as its owner'
    from relations as r
    where
        r.kind = 'view'
        and r.nspname = 'marts'
        and pg_get_viewdef(r.oid) !~ 'readable_authorities'
)

select
    kind,
    object,
    case grantee when 0 then 'everyone' else pg_get_userbyid(grantee) end,
    string_agg(lower(privilege), ', ' order by privilege)
from lines
group by 1, 2, 3
"""


def read_privileges(connection: psycopg.Connection[Any]) -> list[Line]:
    """Return what each role may do, beside the owners of objects."""
    rows = connection.execute(_MATRIX).fetchall()
    lines = [(str(kind), str(name), str(role), str(what)) for kind, name, role, what in rows]
    of_history = [line for line in lines if line[1].startswith(f"{HISTORY}.")]
    counts = Counter((kind, role, what) for kind, _, role, what in of_history)
    all_tables = _table_count(connection, HISTORY)
    # what is the same for every table of history is one line
    shared = {said for said, count in counts.items() if said[0] == "table" and count == all_tables}
    lines = [line for line in lines if line not in of_history or (line[0], *line[2:]) not in shared]
    lines += [(kind, f"{HISTORY}.*", role, what) for kind, role, what in shared]
    return sorted(lines)


def listed_privileges() -> list[Line]:
    """Return the lines of the release's list."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return [
            (row["kind"], row["object"], row["role"], row["privileges"])
            for row in csv.DictReader(file)
        ]


def write_list(lines: list[Line], path: Path = LIST) -> None:
    """Write the list, for a release whose privileges differ on purpose."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADINGS)
        writer.writerows(lines)


def differences(connection: psycopg.Connection[Any]) -> tuple[list[Line], list[Line]]:
    """Return the privileges that the list does not grant, and those that are missing."""
    found, listed = set(read_privileges(connection)), set(listed_privileges())
    # which row policies a table needs is tested table by table, so none is missing from the list
    listed = {line for line in listed if not line[0].startswith("row policy") or line in found}
    if not _table_count(connection, HISTORY):  # before the first night
        listed = {line for line in listed if line[1] != f"{HISTORY}.*"}
    return sorted(found - listed), sorted(listed - found)


def _table_count(connection: psycopg.Connection[Any], schema: str) -> int:
    query = (
        "select count(*) from pg_class"
        " where relnamespace = to_regnamespace(%s) and relkind in ('r', 'p')"
    )
    return int((connection.execute(query, [schema]).fetchone() or (0,))[0])
