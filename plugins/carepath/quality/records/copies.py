"""Copies of staging for one gate run, so that the gate types and translates each record once.

Staging and its named views (int_...) are views, and the subjects of the rules read many of them
several times. A gate run copies what its subjects read into a schema of its own and then reads only
the copies, so several connections can work at once. The schema has cut-offs of its own, which the
copies are made by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg import sql

from carepath.errors import safe_message
from carepath.quality.results import JudgedLoad

STAGING = "staging"
SETTINGS = (
    # without statistics of history by authority, the planner would read a joined table again for
    # each row
    "set local enable_nestloop = off",
    # a copy is read a few times, so few rows describe it well enough
    "set local default_statistics_target = 10",
)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_COPIED = re.compile(r"\b(?:staging(?=\.)|ops(?=\.cutoffs\b))")


def names(text: str) -> set[str]:
    """Return all names in a piece of SQL: of relations, columns, functions and keywords."""
    return set(_NAME.findall(text))


@dataclass(frozen=True)
class Copies:
    """What a gate run copies.

    Attributes:
        schema: where the copies are.
    """

    schema: str
    _needed: Mapping[str, Collection[str]]
    _definitions: Mapping[str, str]
    _named: Mapping[str, Collection[str]]
    _authorities: Sequence[str]

    def in_order(self) -> Iterator[tuple[str, Collection[str]]]:
        """Give each view, and the views that it reads, which come before it."""
        for view in TopologicalSorter(self._needed).static_order():
            yield view, self._needed[view]

    def copy(self, connection: psycopg.Connection[Any], view: str) -> str | None:
        """Copy the named columns of one view; return why it could not be read, or None.

        The others are left out, because most of a table of contacts is text that no rule reads.

        Args:
            connection: of carepath_loader, in autocommit.
            view: one of `in_order`; those that it reads have been copied.
        """
        try:
            with connection.transaction():
                for setting in SETTINGS:
                    connection.execute(setting)
                cursor = connection.execute(
                    sql.SQL("select * from {} limit 0").format(sql.Identifier(STAGING, view))
                )
                found = [c.name for c in cursor.description or () if c.name in self._named[view]]
                place = sql.Identifier(self.schema, view)
                connection.execute(
                    sql.SQL(
                        "create unlogged table {place} as select {columns} from ({definition}) as v"
                        "{where}"
                    ).format(
                        place=place,
                        columns=sql.SQL(", ").join(map(sql.Identifier, found)),
                        definition=sql.SQL(self._definitions[view]),
                        where=sql.SQL(" where authority in ({})").format(
                            sql.SQL(", ").join(map(sql.Literal, self._authorities))
                        )
                        if "authority" in found
                        else sql.SQL(""),
                    )
                )
                connection.execute(sql.SQL("analyze {}").format(place))
        except psycopg.Error as error:
            return safe_message(error)
        return None


def plan_copies(
    connection: psycopg.Connection[Any],
    schema: str,
    loads: Sequence[JudgedLoad],
    readers: Iterable[str],
) -> Copies:
    """Create the schema with its cut-offs, and find what is to be copied. Copies nothing yet.

    Args:
        connection: of carepath_loader, in autocommit.
        schema: a name that no schema has.
        loads: the loads, one of each authority; the copies have its records as known at it.
        readers: pieces of SQL, each with the names of the views and of all columns that it reads.
    """
    with connection.transaction():
        place = sql.Identifier(schema, "cutoffs")
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        connection.execute(
            sql.SQL("create table {} (like ops.cutoffs including all)").format(place)
        )
        connection.execute(
            sql.SQL(
                "insert into {} (authority, load_id, night, decided_by)"
                " select authority, load_id, night, 'gate 1' from ops.loads where load_id = any(%s)"
            ).format(place),
            ([load.load_id for load in loads],),
        )
        connection.execute(sql.SQL("analyze {}").format(place))
    definitions, reads = _views(connection, schema)
    named: dict[str, set[str]] = {}
    for text in readers:
        found = names(text)
        for view in found & definitions.keys():
            named.setdefault(view, set()).update(found)
    needed = _needed(named, reads)
    for view, others in needed.items():
        for other in others:
            named.setdefault(other, set()).update(names(definitions[view]))
    return Copies(schema, needed, definitions, named, [load.authority for load in loads])


def _views(
    connection: psycopg.Connection[Any], schema: str
) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Return the SQL that copies each relation of staging, and the relations that each view reads.

    The SQL of a view reads the copies in `schema` and the cut-offs there.
    """
    with connection.transaction():
        # without a search path, PostgreSQL writes the schema before the name of each relation
        connection.execute("set local search_path = ''")
        relations = connection.execute(
            """
            select relname, case when relkind = 'v' then pg_get_viewdef(oid) end
            from pg_class
            where relnamespace = to_regnamespace(%s) and relkind in ('v', 'r', 'm')
            """,
            (STAGING,),
        ).fetchall()
    definitions = {
        str(name): _COPIED.sub(schema, str(text).rstrip().rstrip(";"))
        if text is not None
        else f"select * from {STAGING}.{name}"
        for name, text in relations
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
