"""Making a table of one schema equal to its twin in another, touching only rows that differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import psycopg
from psycopg import sql

from carepath.publish.shape import AUTHORITY, Shape

SHARED: Final = ""  # stands for the authority of a table that has none
CHANGE: Final = "_change"  # the column that says what makes a row of a difference true


@dataclass(frozen=True)
class Change:
    """How many rows of a table were inserted, updated and deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.inserted or self.updated or self.deleted)

    def __add__(self, other: Change) -> Change:
        return Change(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
        )

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, as `ops.publications.changed` keeps them."""
        return asdict(self)


@dataclass(frozen=True)
class TableChange:
    """The changes that one table needs, worked out beforehand.

    Attributes:
        copied: authorities without a row in the table to be changed, so that all rows of the
            source are new.
        kept_in: the temporary table of rows of other authorities that differ; None if there are
            no other authorities.
        changes: by authority, with SHARED for a table that has no authorities.
    """

    source: str
    target: str
    shape: Shape
    copied: Sequence[str]
    kept_in: str | None
    changes: Mapping[str, Change]

    @property
    def change(self) -> Change:
        """The changes of all authorities together."""
        return sum(self.changes.values(), Change())


def find_difference(
    connection: psycopg.Connection,
    shape: Shape,
    *,
    source: str,
    target: str,
    authorities: Sequence[str],
) -> TableChange:
    """Compare one table of two schemas in a single pass over both, without blocking readers.

    Args:
        shape: the table, its columns and its key, the same in both schemas.
        source: the schema that holds the rows wanted.
        target: the schema to be changed.
        authorities: only rows of these count, where the table has authorities.
    """
    wanted = authorities if shape.by_authority else [SHARED]
    compared = _with_rows(connection, target, shape, wanted)
    copied = [each for each in wanted if each not in compared]
    changes: dict[str, Change] = {}
    if copied:
        count = sql.SQL("select {authority}, count(*) from {table} {scope} group by 1").format(
            authority=_authority(shape),
            table=sql.Identifier(source, shape.name),
            scope=_scope(shape, copied),
        )
        for authority, rows in connection.execute(count):
            changes[authority] = Change(inserted=rows)
    if not compared:
        return TableChange(source, target, shape, copied, None, changes)
    kept_in = f"difference_{target}_{shape.name}"[:63]
    values = [column for column in shape.columns if column not in shape.key]
    # comparing the authority for each row costs a fifth, and one authority needs no comparison
    others = [column for column in shape.key if column != AUTHORITY] or shape.key
    connection.execute(
        sql.SQL(
            """
            create temporary table {kept_in} on commit drop as
            select
                case
                    when _new._here is null then 'deleted'
                    when _old._here is null then 'inserted'
                    else 'updated'
                end as _change,
                {columns}
            from (select *, true as _here from {source} {scope}) as _new
            full join (select *, true as _here from {target} {scope}) as _old
                on {same_key}
            where _new._here is null or _old._here is null or {differs}
            """
        ).format(
            kept_in=sql.Identifier(kept_in),
            source=sql.Identifier(source, shape.name),
            target=sql.Identifier(target, shape.name),
            scope=_scope(shape, compared),
            columns=sql.SQL(", ").join(
                sql.SQL("coalesce({0}, {1}) as {2}").format(
                    sql.Identifier("_new", column),
                    sql.Identifier("_old", column),
                    sql.Identifier(column),
                )
                if column in shape.key
                else sql.Identifier("_new", column)
                for column in shape.columns
            ),
            same_key=_same_key(others if len(compared) == 1 else shape.key),
            differs=sql.SQL("row({}) is distinct from row({})").format(
                sql.SQL(", ").join(sql.Identifier("_new", column) for column in values),
                sql.SQL(", ").join(sql.Identifier("_old", column) for column in values),
            )
            if values
            else sql.SQL("false"),
        )
    )
    changes |= _counted(connection, shape, kept_in)
    return TableChange(source, target, shape, copied, kept_in, changes)


def keep_replaced(
    connection: psycopg.Connection,
    difference: TableChange,
    schema: str,
    *,
    authorities: Sequence[str],
    without: Collection[str] = (),
) -> None:
    """Keep what undoes a difference, before it is applied, instead of what was kept before it.

    The rows that it will delete or update are kept as they are, and those that it will insert as
    they will be. Each says in `_change` what an undo does with it.

    Args:
        difference: what will be applied.
        schema: the schema of the table's twin that keeps the rows.
        authorities: those whose older rows are replaced.
        without: authorities of which nothing is kept.
    """
    shape = difference.shape
    keeps = sql.Identifier(schema, shape.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, shape.columns))
    forget_replaced(connection, shape, schema, authorities)
    copied = [each for each in difference.copied if each not in without]
    if copied:
        connection.execute(
            sql.SQL(
                "insert into {keeps} ({change}, {columns})"
                " select 'deleted', {columns} from {source} {scope}"
            ).format(
                keeps=keeps,
                change=sql.Identifier(CHANGE),
                columns=columns,
                source=sql.Identifier(difference.source, shape.name),
                scope=_scope(shape, copied),
            )
        )
    if difference.kept_in is None or not difference.change:
        return
    connection.execute(
        sql.SQL(
            """
            insert into {keeps} ({change}, {columns})
            select 'deleted', {columns} from {kept_in} where {change} = 'inserted'
            union all
            select case when _new.{change} = 'updated' then 'updated' else 'inserted' end, {old}
            from {kept_in} as _new inner join {target} as _old on {same_key}
            where _new.{change} <> 'inserted'
            """
        ).format(
            keeps=keeps,
            change=sql.Identifier(CHANGE),
            columns=columns,
            kept_in=sql.Identifier(difference.kept_in),
            old=sql.SQL(", ").join(sql.Identifier("_old", column) for column in shape.columns),
            target=sql.Identifier(difference.target, shape.name),
            same_key=_same_key(shape.key),
        )
    )


def forget_replaced(
    connection: psycopg.Connection, shape: Shape, schema: str, authorities: Sequence[str]
) -> None:
    """Delete what `keep_replaced` kept of some authorities; of a table without any, all rows."""
    connection.execute(
        sql.SQL("delete from {} {}").format(
            sql.Identifier(schema, shape.name), _scope(shape, authorities)
        )
    )


def find_way_back(
    connection: psycopg.Connection, shape: Shape, *, source: str, target: str, authority: str
) -> TableChange:
    """Return the difference that undoes the last one of an authority in a table.

    Args:
        shape: the table, as it is in the schema to be changed.
        source: the schema in which `keep_replaced` kept the rows.
        target: the schema to be changed.
        authority: only its rows count, where the table has authorities.
    """
    kept_in = f"difference_{target}_{shape.name}"[:63]
    scope = _scope(shape, [authority])
    connection.execute(
        sql.SQL("create temporary table {} on commit drop as select * from {} {}").format(
            sql.Identifier(kept_in), sql.Identifier(source, shape.name), scope
        )
    )
    return TableChange(source, target, shape, [], kept_in, _counted(connection, shape, kept_in))


def apply_difference(connection: psycopg.Connection, difference: TableChange) -> None:
    """Carry a difference out. It locks rows only, so readers keep seeing the old rows.

    The source must still hold the rows that were compared.
    """
    shape, change = difference.shape, difference.change
    target = sql.Identifier(difference.target, shape.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, shape.columns))
    if difference.copied:
        connection.execute(
            sql.SQL(
                "insert into {target} ({columns}) select {columns} from {source} {scope}"
            ).format(
                target=target,
                columns=columns,
                source=sql.Identifier(difference.source, shape.name),
                scope=_scope(shape, difference.copied),
            )
        )
    if difference.kept_in is None:
        return
    kept_in = sql.Identifier(difference.kept_in)
    if change.deleted:
        connection.execute(
            sql.SQL(
                "delete from {target} as _old using {kept_in} as _new "
                "where _new._change = 'deleted' and {same_key}"
            ).format(target=target, kept_in=kept_in, same_key=_same_key(shape.key))
        )
    if change.updated:
        connection.execute(
            sql.SQL(
                "update {target} as _old set {assignments} from {kept_in} as _new "
                "where _new._change = 'updated' and {same_key}"
            ).format(
                target=target,
                kept_in=kept_in,
                assignments=sql.SQL(", ").join(
                    sql.SQL("{} = {}").format(
                        sql.Identifier(column), sql.Identifier("_new", column)
                    )
                    for column in shape.columns
                    if column not in shape.key
                ),
                same_key=_same_key(shape.key),
            )
        )
    if change.inserted:
        connection.execute(
            sql.SQL(
                "insert into {target} ({columns}) "
                "select {columns} from {kept_in} where _change = 'inserted'"
            ).format(target=target, kept_in=kept_in, columns=columns)
        )


def _counted(connection: psycopg.Connection, shape: Shape, kept_in: str) -> dict[str, Change]:
    """Count the changes of a difference by authority, and give the planner its size."""
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(kept_in)))
    counted = sql.SQL("select {}, _change, count(*) from {} group by 1, 2").format(
        _authority(shape), sql.Identifier(kept_in)
    )
    changes: dict[str, Change] = {}
    for authority, change, rows in connection.execute(counted):
        changes[authority] = changes.get(authority, Change()) + Change(**{change: rows})
    return changes


def _with_rows(
    connection: psycopg.Connection, schema: str, shape: Shape, authorities: Sequence[str]
) -> list[str]:
    """Return those of some authorities of which a table has a row."""
    # in the order of the key, so that the first row is found by the index of the key
    row = sql.SQL("select 1 from {table} {scope} order by {key} limit 1").format(
        table=sql.Identifier(schema, shape.name),
        scope=sql.SQL("where {} = _wanted.authority").format(sql.Identifier(AUTHORITY))
        if shape.by_authority
        else sql.SQL(""),
        key=sql.SQL(", ").join(map(sql.Identifier, shape.key)),
    )
    found = connection.execute(
        sql.SQL(
            "select _wanted.authority from unnest({}::text[]) as _wanted (authority)"
            " cross join lateral ({}) as _row"
        ).format(sql.Literal(list(authorities)), row)
    )
    return [authority for (authority,) in found]


def _authority(shape: Shape) -> sql.Composable:
    return sql.Identifier(AUTHORITY) if shape.by_authority else sql.Literal(SHARED)


def _scope(shape: Shape, authorities: Sequence[str]) -> sql.Composable:
    if not shape.by_authority:
        return sql.SQL("")
    one, *others = authorities
    return sql.SQL("where {} = any({})" if others else "where {} = {}").format(
        sql.Identifier(AUTHORITY), sql.Literal(list(authorities) if others else one)
    )


def _same_key(key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier("_new", column), sql.Identifier("_old", column))
        for column in key
    )
