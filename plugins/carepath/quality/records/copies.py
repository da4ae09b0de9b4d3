"""Copies of staging for one gate run, so that the gate types and translates each record once.

Staging and its named views (int_...) are views, and the subjects of the rules read many of them
several times. A gate run copies what its subjects read into temporary tables, all in one
transaction, and then reads only the copies. They end with the session, after a kill too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from carepath.errors import safe_message
from carepath.quality.results import JudgedLoad
from carepath.warehouse.cutoffs import as_at

STAGING = "staging"
PLACE = "pg_temp"  # PostgreSQL's name for the schema of a session's temporary tables
SETTINGS = (
    # a copy's name hides the view of the same name
    "set local search_path = staging",
    # without statistics of history by authority, the planner would read a joined table again for
    # each row
    "set local enable_nestloop = off",
    # a copy is read a few times, so few rows describe it well enough
    "set local default_statistics_target = 10",
)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def names(text: str) -> set[str]:
    """Return all names in a piece of SQL: of relations, columns, functions and keywords."""
    return set(_NAME.findall(text))


def copy_staging(
    connection: psycopg.Connection[Any], loads: Sequence[JudgedLoad], readers: Iterable[str]
) -> Mapping[str, str]:
    """Copy the views of staging that are read, for each authority as known at its load.

    Args:
        connection: of carepath_loader, in autocommit; its session keeps the copies.
        loads: the loads, one of each authority.
        readers: pieces of SQL, each with the names of the views and of all columns that it reads.

    Returns:
        view to the reason why it could not be copied. Views that read it are there too.
    """
    definitions, reads = _views(connection)
    named: dict[str, set[str]] = {}
    for text in readers:
        found = names(text)
        for view in found & definitions.keys():
            named.setdefault(view, set()).update(found)
    needed = _needed(named, reads)
    for view, others in needed.items():
        for other in others:
            named.setdefault(other, set()).update(names(definitions[view]))
    failed: dict[str, str] = {}
    authorities = [load.authority for load in loads]
    with as_at(connection, {load.authority: load.load_id for load in loads}):
        for setting in SETTINGS:
            connection.execute(setting)
        for view in TopologicalSorter(needed).static_order():
            cause = next((failed[other] for other in needed[view] if other in failed), None)
            if cause is None:
                cause = _copy(connection, view, definitions[view], named[view], authorities)
            if cause is not None:
                failed[view] = cause
    return failed


def drop_copies(connection: psycopg.Connection[Any]) -> None:
    """Drop the session's copies."""
    connection.execute("discard temp")


def _views(
    connection: psycopg.Connection[Any],
) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return the SQL of each relation of staging, and of each view the relations that it reads."""
    with connection.transaction():
        # PostgreSQL writes the names of this schema without the schema, so that copies can replace
        # what they mean
        connection.execute("set local search_path = staging")
        definitions = {
            str(name): str(text).rstrip().rstrip(";")
            for name, text in connection.execute(
                """
                select
                    relname,
                    case when relkind = 'v' then pg_get_viewdef(oid)
                        else format('select * from %%I.%%I', %(schema)s::text, relname) end
                from pg_class
                where relnamespace = to_regnamespace(%(schema)s) and relkind in ('v', 'r', 'm')
                """,
                {"schema": STAGING},
            ).fetchall()
        }
    reads: dict[str, set[str]] = {}
    for view, other in connection.execute(
        """
        select distinct reader.relname, read.relname
        from pg_depend as d
        inner join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        inner join pg_class as reader on r.ev_class = reader.oid
        inner join pg_class as read
            on d.refclassid = 'pg_class'::regclass and d.refobjid = read.oid
        where reader.relnamespace = to_regnamespace(%(schema)s)
            and read.relnamespace = to_regnamespace(%(schema)s)
            and reader.oid <> read.oid
        """,
        {"schema": STAGING},
    ).fetchall():
        reads.setdefault(str(view), set()).add(str(other))
    return definitions, reads


def _needed(wanted: Iterable[str], reads: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the wanted views and all that they read, each with what it reads."""
    found: dict[str, set[str]] = {}
    waiting = list(wanted)
    while waiting:
        view = waiting.pop()
        if view not in found:
            found[view] = reads.get(view, set())
            waiting += found[view]
    return found


def _copy(
    connection: psycopg.Connection[Any],
    view: str,
    definition: str,
    named: Collection[str],
    authorities: Sequence[str],
) -> str | None:
    """Copy the named columns of one view; return why it could not be read, or None.

    The others are left out, because most of a table of contacts is text that no rule reads.
    """
    try:
        with connection.transaction():
            cursor = connection.execute(
                sql.SQL("select * from {} limit 0").format(sql.Identifier(STAGING, view))
            )
            found = [column.name for column in cursor.description or () if column.name in named]
            connection.execute(
                sql.SQL(
                    "create temporary table {view} as select {columns} from ({definition}) as v"
                    "{where}"
                ).format(
                    view=sql.Identifier(view),
                    columns=sql.SQL(", ").join(map(sql.Identifier, found)),
                    definition=sql.SQL(definition),
                    where=sql.SQL(" where authority in ({})").format(
                        sql.SQL(", ").join(map(sql.Literal, authorities))
                    )
                    if "authority" in found
                    else sql.SQL(""),
                )
            )
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(PLACE, view)))
    except psycopg.Error as error:
        return safe_message(error)
    return None
