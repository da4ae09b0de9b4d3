"""Logins that see some authorities only, or some teams only (docs/row_policies.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.errors import WarehouseError
from carepath.site.readers import Readers
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR, password
from carepath.warehouse.roles import ROLE_SETTINGS

READER: Final = "bi_reader"
# each login is a member of one of them, and so reads what it reads
GROUPS: Final = {"bi_": READER, "caseload_": "carepath_caseload"}
NOTHING: Final = ""  # in ops.readers, in place of the authorities of a login that sees none
MAPPED: Final = """
select distinct readers.login
from ops.readers
inner join pg_roles on readers.login = pg_roles.rolname
where readers.login not in ('bi_reader', 'carepath_caseload')
"""


def map_readers(
    connection: psycopg.Connection[Any],
    rows: Sequence[tuple[str, str]],
    teams: Sequence[tuple[str, str]] = (),
) -> bool:
    """Make ops.readers and ops.reader_teams hold these pairs, in one transaction.

    A login that was mapped before sees nothing as long as it exists, also if no login is mapped
    any more: a file that is empty or gone must not show it all authorities.

    Args:
        connection: as carepath_loader.
        rows: login and authority, as `Readers.rows` returns them.
        teams: login and team, as `Readers.team_rows` returns them.

    Returns:
        Whether anything changed.
    """
    changed = False
    with connection.transaction(), connection.cursor() as cursor:
        named = {login for login, _ in rows}
        no_longer = [(login, NOTHING) for (login,) in cursor.execute(MAPPED) if login not in named]
        for table, column, wanted in (
            ("readers", "authority", {*rows, *no_longer}),
            ("reader_teams", "team", set(teams)),
        ):
            name, of = sql.Identifier("ops", table), sql.Identifier(column)
            found = set(cursor.execute(sql.SQL("select login, {} from {}").format(of, name)))
            cursor.executemany(
                sql.SQL("delete from {} where login = %s and {} = %s").format(name, of),
                sorted(found - wanted),
            )
            cursor.executemany(
                sql.SQL("insert into {} values (%s, %s)").format(name), sorted(wanted - found)
            )
            changed = changed or found != wanted
    return changed


def unknown_teams(connection: psycopg.Connection[Any], readers: Readers) -> list[str]:
    """Return the teams of the settings that no published authority of their login has.

    Args:
        connection: as carepath_loader.
        readers: the settings.
    """
    published = connection.execute("select to_regclass('marts.dim_team') is not null").fetchone()
    known: set[tuple[str, str]] = set()
    if published and published[0]:
        known = set(connection.execute("select authority, team_name from marts.dim_team"))
    return sorted(
        {
            team
            for reader in readers.readers
            for team in reader.teams or ()
            if not any((authority, team) in known for authority in reader.authorities)
        }
    )


def create_logins(logins: Sequence[str]) -> list[str]:
    """Create the logins that are missing, with generated passwords.

    Each is a member of bi_reader, or of carepath_caseload if it begins with `caseload_`.

    Returns:
        Those that were created. Their passwords are in the file of passwords.

    Raises:
        WarehouseError: a login exists and is not a member of that role.
    """
    created = []
    with connect(ADMINISTRATOR, "warehouse", autocommit=True) as admin:
        for login in sorted(set(logins) - {READER}):
            group = _group_of(login)
            row = admin.execute(
                "select exists (select from pg_auth_members where member = r.oid"
                " and roleid = %s::regrole) from pg_roles as r where rolname = %s",
                [group, login],
            ).fetchone()
            if row is not None and not row[0]:
                raise WarehouseError(
                    f"The server already has a role {login} that is not a member of {group}.",
                    where="site/readers.yml",
                    todo=f"choose another name, or run `grant {group} to {login}` there.",
                )
            if row is None:
                _create(admin, login, group)
                created.append(login)
    return created


def _group_of(login: str) -> str:
    return next(group for start, group in GROUPS.items() if login.startswith(start))


def _create(admin: psycopg.Connection[Any], login: str, group: str) -> None:
    secret = password(login)  # kept before the role exists, so that it cannot be lost
    scram = admin.pgconn.encrypt_password(secret.encode(), login.encode(), b"scram-sha-256")
    name = sql.Identifier(login)
    admin.execute(
        sql.SQL("create role {} login password {} in role {}").format(
            name, sql.Literal(scram.decode()), sql.Identifier(group)
        )
    )
    for setting, value in ROLE_SETTINGS[group].items():
        admin.execute(
            sql.SQL("alter role {} set {} = {}").format(
                name, sql.Identifier(setting), sql.Literal(value)
            )
        )
