"""The warehouse as it was known on a past day, built in schemas of its own.

dbt builds in schemas with unfinished names. They get their names together, when everything is
there. So whatever fails, an earlier state of the same day stays, and no part of a new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import sql

from carepath.dates import written
from carepath.errors import WarehouseError
from carepath.warehouse.connect import connect
from carepath.warehouse.dbt import run_dbt
from carepath.warehouse.models import is_built_with_this_code

UNFINISHED: Final = "_unfinished"
# with the seeds, because no night may have loaded them yet, or a night of another version has
COMMAND: Final = ("build", "--fail-fast", "--resource-type", "model", "--resource-type", "seed")


def build_as_known_at(day: dt.date) -> None:
    """Build staging, core and marts as they were known at the end of a day.

    Raises:
        WarehouseError: nothing had been loaded by then, another past state is being built, or a
            model could not be built; it is named.
    """
    with connect("carepath_loader", autocommit=True) as connection, _only_one(connection):
        _require_load(connection, day)
        _drop_unfinished(connection)  # of a process that was killed
        try:
            run_dbt(
                COMMAND,
                layer="as_known_at",
                vars={"as_known_at": day.isoformat(), "as_known_suffix": UNFINISHED},
                contracts_hold=is_built_with_this_code(connection),
            )
            _finish(connection)
        finally:
            with suppress(psycopg.Error):  # report the first error, even if the server is gone
                _drop_unfinished(connection)


@contextmanager
def _only_one(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let only one process build a past state. The lock ends with the connection."""
    connection.execute("set idle_session_timeout = 0")  # it is idle while dbt builds
    row = connection.execute(
        "select pg_try_advisory_lock(hashtext('carepath.as_known_at'))"
    ).fetchone()
    if row is None or not row[0]:
        raise WarehouseError(
            "The warehouse as known at a past day is being built by another process.",
            where="as-known-at",
            todo="Wait until it has ended, and run the command again.",
        )
    yield


def _require_load(connection: psycopg.Connection[Any], day: dt.date) -> None:
    row = connection.execute("select min(night) from ops.loads where state = 'loaded'").fetchone()
    first = row[0] if row else None
    if first is None or day < first:
        raise WarehouseError(
            f"Nothing had been loaded by {written(day)}, so there is nothing to build.",
            where="as-known-at",
            todo=f"Choose a day from {written(first)} on."
            if first
            else "Load a source first, with `carepath run`.",
        )


def _unfinished(connection: psycopg.Connection[Any]) -> list[str]:
    rows = connection.execute(
        "select nspname from pg_namespace where nspname ~ %s order by 1",
        (f"_as_known_[0-9]+{UNFINISHED}$",),
    ).fetchall()
    return [name for (name,) in rows]


def _drop_unfinished(connection: psycopg.Connection[Any]) -> None:
    for name in _unfinished(connection):
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))


def _finish(connection: psycopg.Connection[Any]) -> None:
    """Put the new schemas in place of those of an earlier build of the same day."""
    with connection.transaction():
        for name in _unfinished(connection):
            final = name.removesuffix(UNFINISHED)
            for statement, names in (
                ("drop schema if exists {} cascade", (final,)),
                ("alter schema {} rename to {}", (name, final)),
            ):
                connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
