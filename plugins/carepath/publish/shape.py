"""The shape of a mart (columns, types, key) and how it may change from build to build.

A table may appear and a column may be added. Anything else (a column dropped, a type changed,
a key changed, a table no longer built) could break a report or a row policy that depends on
it. So the publication refuses it, and a migration must make the change: see the decision record
"Publish by difference".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from carepath.errors import PublicationError
from carepath.powerbi.sources import related_keys
from carepath.publish.tables import MartTable

MARTS = "marts"
AUTHORITY = "authority"
LOCK_TIMEOUT = "500ms"
LOCK_ATTEMPTS = 90
LOCK_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Shape:
    """A table as it is in one schema: type by column name, in order, and primary key."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def by_authority(self) -> bool:
        """Whether each row belongs to one authority."""
        return AUTHORITY in self.columns


def read_shapes(
    connection: psycopg.Connection, schema: str, *, with_views: bool = False
) -> dict[str, Shape]:
    """Return the ordinary tables of a schema by name, and its views where they are asked for."""
    rows = connection.execute(
        """
        select
            c.relname,
            a.attname,
            format_type(a.atttypid, a.atttypmod),
            array_position(i.indkey::int2[], a.attnum)
        from pg_class as c
        left join pg_attribute as a
            on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        left join pg_index as i on c.oid = i.indrelid and i.indisprimary
        where c.relnamespace = to_regnamespace(%s) and c.relkind = any(%s)
            and not c.relispartition
        order by c.relname, a.attnum
        """,
        [schema, ["r", "p", "v"] if with_views else ["r", "p"]],
    ).fetchall()
    columns: dict[str, dict[str, str]] = {}
    keys: dict[str, list[tuple[int, str]]] = {}
    for table, column, type_, position in rows:
        columns.setdefault(table, {})[column] = type_
        if position is not None:
            keys.setdefault(table, []).append((position, column))
    return {
        name: Shape(name, found, tuple(column for _, column in sorted(keys.get(name, []))))
        for name, found in columns.items()
    }


def built_shape(mart: MartTable, built: Shape | None) -> Shape:
    """Return the shape that a mart should have: what dbt built, with the declared key.

    The authority leads the key of every table that has one, so that the rows of one authority
    lie together and two authorities never share a row.

    Raises:
        PublicationError: the table was not built, or lacks a column of its key.
    """
    if built is None:
        raise PublicationError(
            "The build does not have this table.",
            where=f"marts_build.{mart.name}",
            todo="read the log of the build step. Publish again when the step has succeeded.",
        )
    key = mart.key
    if built.by_authority:
        key = (AUTHORITY, *(column for column in key if column != AUTHORITY))
    if unknown := [column for column in key if column not in built.columns]:
        raise PublicationError(
            f"The declared key names columns that the table lacks: {', '.join(unknown)}.",
            where=f"marts_build.{mart.name}",
            todo="correct `meta.key` in the model's YAML.",
        )
    return Shape(mart.name, built.columns, key)


def added_columns(wanted: Shape, present: Shape, schema: str) -> dict[str, str]:
    """Return the columns that the published table still lacks, with their types.

    Raises:
        PublicationError: the difference is anything but added columns.
    """
    refusals = [
        f"column {column} is no longer built"
        for column in present.columns
        if column not in wanted.columns
    ]
    refusals += [
        f"column {column} was {present.columns[column]} and is built as {type_}"
        for column, type_ in wanted.columns.items()
        if column in present.columns and present.columns[column] != type_
    ]
    if present.key != wanted.key:
        refusals.append(
            f"its key was ({', '.join(present.key)}) and is declared as ({', '.join(wanted.key)})"
        )
    if refusals:
        raise PublicationError(
            f"The table changed in a way that could break reports: {'; '.join(refusals)}.",
            where=f"{schema}.{wanted.name}",
            todo="build the change under a new column or table name, or write a migration that "
            "changes marts and marts_prev, and publish again.",
        )
    return {
        column: type_ for column, type_ in wanted.columns.items() if column not in present.columns
    }


def add_columns(
    connection: psycopg.Connection, schema: str, table: str, columns: Mapping[str, str]
) -> None:
    """Add empty columns to a table in a short, separate transaction.

    The change must have the table to itself for a moment. It gives up after half a second and tries
    again later, so that readers never wait longer behind it.

    Raises:
        PublicationError: a reader kept the table open during all attempts.
    """
    statement = sql.SQL("alter table {} {}").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(
            sql.SQL("add column if not exists {} {}").format(
                sql.Identifier(column),
                sql.SQL(type_),  # from format_type() of the catalogue
            )
            for column, type_ in columns.items()
        ),
    )

    def alter() -> None:
        with connection.transaction():
            connection.execute(
                sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT))
            )
            connection.execute(statement)
            if schema == MARTS:
                # a column such as team_key changes what a login limited to teams may see
                connection.execute(
                    "select ops.protect_mart(attrelid::regclass) from pg_attribute"
                    " where attrelid = %s::regclass and attname = %s",
                    [f'"{schema}"."{table}"', AUTHORITY],
                )

    patiently = Retrying(
        retry=retry_if_exception_type(psycopg.errors.LockNotAvailable),
        stop=stop_after_attempt(LOCK_ATTEMPTS),
        wait=wait_fixed(LOCK_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        patiently(alter)
    except psycopg.errors.LockNotAvailable:
        raise PublicationError(
            "A column could not be added: a reader kept the table open for "
            f"{LOCK_ATTEMPTS} attempts.",
            where=f"{schema}.{table}",
            todo="End the long transaction (pg_stat_activity names it) and publish again.",
        ) from None


def create_table(connection: psycopg.Connection, schema: str, shape: Shape) -> None:
    """Create a logged table, with a primary key if it has one; default privileges give the grants.

    A table with authorities that people read gets its row policies (docs/row_policies.md). What a
    relationship of Power BI refers to is unique, also across authorities (ADR 24).
    """
    columns = [
        sql.SQL("{} {}").format(
            sql.Identifier(column),
            sql.SQL(type_),  # from format_type() of the catalogue
        )
        for column, type_ in shape.columns.items()
    ]
    keys = [sql.SQL("primary key ({})").format(_named(shape.key))] if shape.key else []
    related = related_keys().get(shape.name, shape.key)
    if schema == MARTS and related != shape.key:
        keys.append(sql.SQL("unique ({})").format(_named(related)))
    connection.execute(
        sql.SQL("create table {} ({})").format(
            sql.Identifier(schema, shape.name), sql.SQL(", ").join([*columns, *keys])
        )
    )
    if schema == MARTS and shape.by_authority:
        connection.execute("select ops.protect_mart(%s::regclass)", [f'"{schema}"."{shape.name}"'])


def _named(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
