"""Logins that read the marts of some authorities only (docs/row_policies.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.errors import WarehouseError
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR, password
from carepath.warehouse.roles import ROLE_SETTINGS

READER: Final = "bi_reader"  # each login is a member of it, and so reads what it reads


def map_readers(connection: psycopg.Connection[Any], rows: Sequence[tuple[str, str]]) -> bool:
    """Make `ops.readers` hold these pairs of login and authority, in one transaction.

    Args:
        connection: as carepath_loader.
        rows: as `Readers.rows` returns them.

    Returns:
        Whether anything changed.
    """
    with connection.transaction(), connection.cursor() as cursor:
        found = set(cursor.execute("select login, authority from ops.readers").fetchall())
        cursor.executemany(
            "delete from ops.readers where login = %s and authority = %s",
            sorted(found - set(rows)),
        )
        cursor.executemany("insert into ops.readers values (%s, %s)", sorted(set(rows) - found))
    return found != set(rows)


def create_logins(logins: Sequence[str]) -> list[str]:
    """Create the logins that are missing, as members of bi_reader, with generated passwords.

    Returns:
        Those that were created. Their passwords are in the file of passwords.

    Raises:
        WarehouseError: a login exists and is not a member of bi_reader.
    """
    created = []
    with connect(ADMINISTRATOR, "warehouse", autocommit=True) as admin:
        for login in sorted(set(logins) - {READER}):
            row = admin.execute(
                "select exists (select from pg_auth_members where member = r.oid"
                " and roleid = 'bi_reader'::regrole) from pg_roles as r where rolname = %s",
                [login],
            ).fetchone()
            if row is not None and not row[0]:
                raise WarehouseError(
                    f"The server already has a role {login} that does not read the marts.",
                    where="site/readers.yml",
                    todo=f"choose another name, or run `grant bi_reader to {login}` there.",
                )
            if row is None:
                _create(admin, login)
                created.append(login)
    return created


def _create(admin: psycopg.Connection[Any], login: str) -> None:
    secret = password(login)  # kept before the role exists, so that it cannot be lost
    scram = admin.pgconn.encrypt_password(secret.encode(), login.encode(), b"scram-sha-256")
    name = sql.Identifier(login)
    admin.execute(
        sql.SQL("create role {} login password {} in role bi_reader").format(
            name, sql.Literal(scram.decode())
        )
    )
    for setting, value in ROLE_SETTINGS[READER].items():
        admin.execute(
            sql.SQL("alter role {} set {} = {}").format(
                name, sql.Identifier(setting), sql.Literal(value)
            )
        )
