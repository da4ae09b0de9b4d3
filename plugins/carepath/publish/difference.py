"""Making a table of one schema equal to its twin in another, touching only rows that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql

from carepath.publish.shape import AUTHORITY, Shape


@dataclass(frozen=True)
class Change:
    """How many rows of a table were inserted, updated and deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.inserted or self.updated or self.deleted)

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, as `ops.publications.changed` keeps them."""
        return asdict(self)


@dataclass(frozen=True)
class TableChange:
    """The changes that one table needs, worked out beforehand.

    Attributes:
        kept_in: the temporary table of rows that differ; None if the table to be changed
            was empty, so that all rows of the source are new.
    """

    source: str
    target: str
    authority: str
    shape: Shape
    kept_in: str | None
    change: Change


def find_difference(
    connection: psycopg.Connection,
    shape: Shape,
    *,
    source: str,
    target: str,
    authority: str,
) -> TableChange:
    """Compare one table of two schemas in a single pass over both, without blocking readers.

    Args:
        shape: the table, its columns and its key, the same in both schemas.
        source: the schema that holds the rows wanted.
        target: the schema to be changed.
        authority: only rows of this authority count, where the table has authorities.
    """
    scope = _scope(shape, authority)
    old_row = sql.SQL("select 1 from {} {} limit 1").format(
        sql.Identifier(target, shape.name), scope
    )
    if connection.execute(old_row).fetchone() is None:
        count = sql.SQL("select count(*) from {} {}").format(
            sql.Identifier(source, shape.name), scope
        )
        ((inserted,),) = connection.execute(count).fetchall()
        return TableChange(source, target, authority, shape, None, Change(inserted=inserted))
    kept_in = f"difference_{target}_{shape.name}"[:63]
    values = [column for column in shape.columns if column not in shape.key]
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
            scope=scope,
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
            # both sides hold one authority only, and comparing it for each row costs a fifth
            same_key=_same_key([c for c in shape.key if c != AUTHORITY] or shape.key),
            differs=sql.SQL("row({}) is distinct from row({})").format(
                sql.SQL(", ").join(sql.Identifier("_new", column) for column in values),
                sql.SQL(", ").join(sql.Identifier("_old", column) for column in values),
            )
            if values
            else sql.SQL("false"),
        )
    )
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(kept_in)))
    counts = connection.execute(
        sql.SQL("select _change, count(*) from {} group by _change").format(sql.Identifier(kept_in))
    ).fetchall()
    return TableChange(source, target, authority, shape, kept_in, Change(**dict(counts)))


def apply_difference(connection: psycopg.Connection, difference: TableChange) -> None:
    """Carry a difference out. It locks rows only, so readers keep seeing the old rows.

    The source must still hold the rows that were compared.
    """
    shape, change = difference.shape, difference.change
    target = sql.Identifier(difference.target, shape.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, shape.columns))
    if difference.kept_in is None:
        connection.execute(
            sql.SQL(
                "insert into {target} ({columns}) select {columns} from {source} {scope}"
            ).format(
                target=target,
                columns=columns,
                source=sql.Identifier(difference.source, shape.name),
                scope=_scope(shape, difference.authority),
            )
        )
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


def _scope(shape: Shape, authority: str) -> sql.Composable:
    if not shape.by_authority:
        return sql.SQL("")
    return sql.SQL("where {} = {}").format(sql.Identifier(AUTHORITY), sql.Literal(authority))


def _same_key(key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier("_new", column), sql.Identifier("_old", column))
        for column in key
    )
