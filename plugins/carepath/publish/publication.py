"""Publish the marts of some authorities in one transaction, and take a publication back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from carepath.errors import PublicationError, safe_message
from carepath.publish.comments import write_comments
from carepath.publish.difference import (
    CHANGE,
    SHARED,
    TableChange,
    apply_difference,
    find_difference,
    find_way_back,
    forget_replaced,
    keep_replaced,
)
from carepath.publish.ranges import index_ranges
from carepath.publish.shape import (
    AUTHORITY,
    MARTS,
    Shape,
    add_columns,
    added_columns,
    built_shape,
    create_table,
    read_shapes,
)
from carepath.publish.tables import BUILD_SCHEMA, MartTable, mart_tables
from carepath.warehouse.code_version import code_version
from carepath.warehouse.connect import connect

PREVIOUS = "marts_prev"
PUBLICATION_TABLE = "publication"  # marts.publication is not built: it says what marts holds
PUBLISHER_LOCK = 0x_CA4E_9A74  # the advisory lock that lets one publisher work at a time
WAIT_FOR_OTHERS = "15min"
MUCH = 0.1  # the share of a table's rows that changes, above which its statistics are out of date

Kind = Literal["publish", "rollback"]


@dataclass(frozen=True)
class Publication:
    """What one authority's marts hold since `published_at`.

    Attributes:
        night: the night of the delivery that the figures rest on.
        kind: `publish`, or `rollback` to the set of the publication before.
        code_version: the code that built the rows shown.
        keeps_replaced: whether `marts_prev` got the rows that it replaced. Before migration 0045 it
            got the whole set instead.
        changed: rows inserted, updated and deleted by table; tables that did not change are
            left out.
    """

    publication_id: int
    authority: str
    run_id: str
    load_id: int
    night: date
    kind: Kind
    code_version: str
    published_at: datetime
    keeps_replaced: bool = True
    changed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Build:
    """What a run has built: the marts of one night, and the load behind each authority's rows."""

    run_id: str
    night: date
    loads: Mapping[str, int]
    marts: Sequence[MartTable]
    shapes: Sequence[Shape]


def publish(
    run_id: str,
    authority: str,
    load_id: int,
    night: date,
    tables: Sequence[MartTable] | None = None,
) -> Publication:
    """Publish one authority, as `publish_many` publishes a set of one.

    Raises:
        PublicationError: the marts are as they were, and the message says why.
    """
    outcome = publish_many(run_id, {authority: load_id}, night, tables)[authority]
    if isinstance(outcome, PublicationError):
        raise outcome
    return outcome


def publish_many(
    run_id: str,
    loads: Mapping[str, int],
    night: date,
    tables: Sequence[MartTable] | None = None,
) -> dict[str, Publication | PublicationError]:
    """Make the rows of some authorities in `marts` equal to their rows in `marts_build`.

    All tables and the records of the publications change in one transaction, and only rows that
    differ are written. A reader sees the old set or the new one, and never waits. The replaced
    rows go to `marts_prev`. Publishing the same build again changes and records nothing, and
    returns the earlier publication.

    If PostgreSQL refuses the rows of one authority, the others are published without it: each half
    of the set is tried in a transaction of its own, and the half that is refused is halved again.

    Args:
        run_id: the run that built the marts.
        loads: by authority, the delivery that its build rests on. Rows of these authorities are
            published, and shared tables (the calendar) with them.
        night: the night of these deliveries.
        tables: the marts; by default all that dbt builds. Then a published mart that dbt no longer
            builds is an error.

    Returns:
        By authority, its publication, or why its marts are as they were.

    Raises:
        PublicationError: no authority could be published, and the message says why.
    """
    with _publisher(loads) as connection:
        marts = mart_tables() if tables is None else tables
        shapes = _agree_on_shapes(connection, marts, complete=tables is None)
        build = _Build(run_id, night, loads, marts, shapes)
        outcomes = _publish_halving(connection, build, list(loads))
        published = [each for each in outcomes.values() if isinstance(each, Publication)]
        _refresh_statistics(connection, published)
    return {authority: outcomes[authority] for authority in loads}


def _publish_halving(
    connection: psycopg.Connection[Any], build: _Build, authorities: Sequence[str]
) -> dict[str, Publication | PublicationError]:
    """Publish a set in one transaction, or each of its halves if its rows are refused."""
    try:
        with connection.transaction():
            return _publish_set(connection, build, authorities)
    except psycopg.Error as error:
        by_authority = {shape.name for shape in build.shapes if shape.by_authority}
        about_rows = isinstance(error, psycopg.DataError | psycopg.IntegrityError)
        if len(authorities) > 1 and about_rows and error.diag.table_name in {None, *by_authority}:
            middle = len(authorities) // 2
            return {
                **_publish_halving(connection, build, authorities[:middle]),
                **_publish_halving(connection, build, authorities[middle:]),
            }
        return {authority: _refusal(error, authority) for authority in authorities}


def _publish_set(
    connection: psycopg.Connection[Any], build: _Build, authorities: Sequence[str]
) -> dict[str, Publication | PublicationError]:
    _hold_build(connection, build.shapes)
    outcomes: dict[str, Publication | PublicationError] = {
        authority: PublicationError(
            "The build has no rows for this authority.",
            where=authority,
            todo="run the build step again. A crash of the server empties what was built.",
        )
        for authority in _without_rows(connection, build.shapes, authorities)
    }
    built = [authority for authority in authorities if authority not in outcomes]
    if not built:
        return outcomes
    _create_missing(connection, build.shapes)
    index_ranges(connection, MARTS)
    write_comments(connection, MARTS, build.marts)
    to_marts = [
        find_difference(connection, shape, source=BUILD_SCHEMA, target=MARTS, authorities=built)
        for shape in build.shapes
    ]
    outcomes |= _published_before(connection, build, built, to_marts)
    new = [authority for authority in built if authority not in outcomes]
    if not new:
        return outcomes
    first = [authority for authority in new if not _latest(connection, authority)]
    for difference in to_marts:
        keep_replaced(connection, difference, PREVIOUS, authorities=new, without=first)
        apply_difference(connection, difference)
    published_at = _now(connection)
    for authority in new:
        outcomes[authority] = _record(
            connection,
            authority=authority,
            run_id=build.run_id,
            load_id=build.loads[authority],
            night=build.night,
            kind="publish",
            version=code_version(),
            published_at=published_at,
            # what the authorities share changes once, with the first of them
            changed=_changed(to_marts, authority, *([SHARED] if authority == new[0] else [])),
        )
    return outcomes


def _published_before(
    connection: psycopg.Connection[Any],
    build: _Build,
    authorities: Sequence[str],
    to_marts: Sequence[TableChange],
) -> dict[str, Publication]:
    """Return the publications of this same build, of authorities for which nothing changes.

    A change to a shared table needs a publication that records it.
    """
    found = {
        authority: latest
        for authority in authorities
        if not _changed(to_marts, authority)
        for latest in _latest(connection, authority)[:1]
        if (latest.kind, latest.run_id, latest.load_id)
        == ("publish", build.run_id, build.loads[authority])
    }
    if len(found) == len(authorities) and _changed(to_marts, SHARED):
        del found[authorities[0]]
    return found


def rollback(authority: str) -> Publication:
    """Return one authority's marts to the set that its last publication replaced.

    Carepath keeps one step back. Tables without an authority go back only if no other authority
    has published with it or since, because its rows may need what they hold.

    Raises:
        PublicationError: there is nothing to return to, or the last step was a rollback.
    """
    with _publisher([authority]) as connection:
        with connection.transaction():
            connection.execute("set local row_security = off")
            undone, restored = _rollback_pair(connection, authority)
            others = connection.execute(
                "select 1 from ops.publications where authority <> %s"
                " and (publication_id > %s or published_at = %s) limit 1",
                [authority, undone.publication_id, undone.published_at],
            )
            is_last = others.fetchone() is None
            kept = read_shapes(connection, PREVIOUS)
            shapes = [
                shape
                for name, shape in read_shapes(connection, MARTS).items()
                if name != PUBLICATION_TABLE and name in kept and (shape.by_authority or is_last)
            ]
            differences = [
                find_way_back(connection, shape, source=PREVIOUS, target=MARTS, authority=authority)
                for shape in shapes
            ]
            for difference in differences:
                apply_difference(connection, difference)
                forget_replaced(connection, difference.shape, PREVIOUS, [authority])
            publication = _record(
                connection,
                authority=authority,
                run_id=restored.run_id,
                load_id=restored.load_id,
                night=restored.night,
                kind="rollback",
                version=restored.code_version,
                published_at=_now(connection),
                changed=_changed(differences, authority, SHARED),
            )
        _refresh_statistics(connection, [publication])
    return publication


@contextmanager
def _publisher(authorities: Iterable[str]) -> Iterator[psycopg.Connection[Any]]:
    """Open the owner's connection. No other publisher works until it closes or dies."""
    try:
        with connect("carepath_owner", autocommit=True) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            # a publisher that was killed is noticed even while its statement waits or works
            connection.execute("set client_connection_check_interval = '2s'")
            connection.execute(
                sql.SQL("set lock_timeout = {}").format(sql.Literal(WAIT_FOR_OTHERS))
            )
            # before the transaction, so that its snapshot is newer than the last publication
            connection.execute("select pg_advisory_lock(%s)", [PUBLISHER_LOCK])
            yield connection
    except psycopg.Error as error:
        raise _refusal(error, *authorities) from None


def _refusal(error: psycopg.Error, *authorities: str) -> PublicationError:
    """Return why PostgreSQL refused a publication, without any value of a record."""
    where = authorities[0] if len(authorities) == 1 else f"{len(authorities)} authorities"
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return PublicationError(
            f"Another publication or dbt run kept the tables for {WAIT_FOR_OTHERS}.",
            where=where,
            todo="see which session holds them (pg_stat_activity), then publish again.",
        )
    table = f", {error.diag.schema_name}.{error.diag.table_name}"
    return PublicationError(
        f"PostgreSQL refused: {safe_message(error)}",
        where=where + (table if error.diag.table_name else ""),
        todo="correct the build and publish again. The marts are as they were.",
    )


def _agree_on_shapes(
    connection: psycopg.Connection[Any], marts: Sequence[MartTable], *, complete: bool
) -> list[Shape]:
    """Return the shape of every mart, having added new columns to the tables published."""
    built = read_shapes(connection, BUILD_SCHEMA, with_views=True)
    wanted = [built_shape(mart, built.get(mart.name)) for mart in marts]
    published = read_shapes(connection, MARTS)
    gone = published.keys() - {shape.name for shape in wanted} - {PUBLICATION_TABLE}
    if complete and gone:
        raise PublicationError(
            "dbt no longer builds this table, so its figures would never change again.",
            where=", ".join(f"marts.{name}" for name in sorted(gone)),
            todo="drop it from marts and marts_prev with a migration, or build it again.",
        )
    additions = [
        (schema, shape.name, columns)
        for schema in (PREVIOUS, MARTS)
        for present in [read_shapes(connection, schema)]
        for shape in wanted
        if shape.name in present
        and (columns := added_columns(_of(schema, shape), present[shape.name], schema))
    ]
    for schema, table, columns in additions:
        add_columns(connection, schema, table, columns)
    return wanted


def _hold_build(connection: psycopg.Connection[Any], shapes: Sequence[Shape]) -> None:
    """Keep dbt from replacing the tables meanwhile, and row policies from hiding rows.

    What it changes in tables of core behind views is not seen: the snapshot is older.
    """
    connection.execute("set local row_security = off")
    connection.execute(
        sql.SQL("lock table {} in access share mode").format(
            sql.SQL(", ").join(sql.Identifier(BUILD_SCHEMA, shape.name) for shape in shapes)
        )
    )


def _create_missing(connection: psycopg.Connection[Any], shapes: Sequence[Shape]) -> None:
    for schema in (MARTS, PREVIOUS):
        present = read_shapes(connection, schema)
        for shape in shapes:
            if shape.name not in present:
                create_table(connection, schema, _of(schema, shape))


def _of(schema: str, shape: Shape) -> Shape:
    """Return the shape that a mart has in a schema.

    In `marts_prev` a row says what undoes it. There is no key, so that a key that is built twice is
    refused by the mart.
    """
    if schema != PREVIOUS:
        return shape
    return Shape(shape.name, {CHANGE: "text", **shape.columns}, ())


def _without_rows(
    connection: psycopg.Connection[Any], shapes: Sequence[Shape], authorities: Sequence[str]
) -> list[str]:
    """Return the authorities of which the build has no row: a crash empties unlogged tables.

    Views do not count: they show tables of core, which outlive a crash.
    """
    tables = connection.execute(
        # the smallest first: it has rows of nearly all authorities
        "select relname from pg_class where relnamespace = %s::regnamespace"
        " and relkind in ('r', 'p') and relname = any(%s) order by pg_relation_size(oid)",
        [BUILD_SCHEMA, [shape.name for shape in shapes if shape.by_authority]],
    ).fetchall()
    missing = list(authorities) if tables else []
    for (table,) in tables:
        if missing:
            there = connection.execute(
                sql.SQL("select distinct {0} from {1} where {0} = any({2})").format(
                    sql.Identifier(AUTHORITY),
                    sql.Identifier(BUILD_SCHEMA, table),
                    sql.Literal(missing),
                )
            ).fetchall()
            missing = [authority for authority in missing if (authority,) not in there]
    return missing


def _changed(differences: Sequence[TableChange], *authorities: str) -> dict[str, dict[str, int]]:
    return {
        difference.shape.name: change.as_dict()
        for difference in differences
        for authority in authorities
        if (change := difference.changes.get(authority))
    }


def _now(connection: psycopg.Connection[Any]) -> datetime:
    ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    moment: datetime = now
    return moment


def _latest(connection: psycopg.Connection[Any], authority: str) -> list[Publication]:
    """Return the authority's last two publications and rollbacks, the newest first."""
    with connection.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(
            """
            select
                publication_id,
                authority,
                run_id,
                load_id,
                night,
                kind,
                code_version,
                published_at,
                keeps_replaced,
                changed
            from ops.publications
            where authority = %s
            order by publication_id desc
            limit 2
            """,
            [authority],
        ).fetchall()


def _rollback_pair(
    connection: psycopg.Connection[Any], authority: str
) -> tuple[Publication, Publication]:
    """Return the publication to undo and the one that showed what returns."""
    latest = _latest(connection, authority)
    if latest and latest[0].kind == "rollback":
        raise PublicationError(
            "The last publication has already been rolled back, to the figures of "
            f"{latest[0].night}. Carepath keeps one step back.",
            where=authority,
            todo="publish a corrected build. `carepath as-known-at` builds an older state.",
        )
    if latest and not latest[0].keeps_replaced and len(latest) > 1:
        raise PublicationError(
            "Carepath was upgraded after the last publication, and did not keep what it replaced.",
            where=authority,
            todo="publish a corrected build. The next publication can be taken back again.",
        )
    if len(latest) < 2:
        raise PublicationError(
            "There is no publication to return to."
            if not latest
            else f"The publication of {latest[0].night} is the first, so there is no earlier one.",
            where=authority,
            todo="publish a corrected build.",
        )
    return latest[0], latest[1]


def _record(
    connection: psycopg.Connection[Any],
    *,
    authority: str,
    run_id: str,
    load_id: int,
    night: date,
    kind: Kind,
    version: str,
    published_at: datetime,
    changed: dict[str, dict[str, int]],
) -> Publication:
    ((publication_id,),) = connection.execute(
        """
        insert into ops.publications (
            authority, run_id, load_id, night, kind, code_version, published_at, changed
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        returning publication_id
        """,
        [authority, run_id, load_id, night, kind, version, published_at, Jsonb(changed)],
    ).fetchall()
    connection.execute(
        """
        insert into marts.publication (
            authority, publication_id, night, load_id, kind, code_version, published_at
        )
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (authority) do update
        set
            publication_id = excluded.publication_id,
            night = excluded.night,
            load_id = excluded.load_id,
            kind = excluded.kind,
            code_version = excluded.code_version,
            published_at = excluded.published_at
        """,
        [authority, publication_id, night, load_id, kind, version, published_at],
    )
    return Publication(
        publication_id=publication_id,
        authority=authority,
        run_id=run_id,
        load_id=load_id,
        night=night,
        kind=kind,
        code_version=version,
        published_at=published_at,
        changed=changed,
    )


def _refresh_statistics(
    connection: psycopg.Connection[Any], publications: Sequence[Publication]
) -> None:
    """Give the planner the sizes of tables that changed much. Autovacuum sees to the others."""
    changed: Counter[str] = Counter()
    for publication in publications:
        changed.update({table: sum(rows.values()) for table, rows in publication.changed.items()})
    known = connection.execute(
        "select relname, reltuples from pg_class"
        " where relnamespace = %s::regnamespace and relname = any(%s) order by relname",
        [MARTS, list(changed)],
    ).fetchall()
    for table, rows in known:
        if changed[table] > MUCH * rows:  # a table that was never analysed has -1
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(MARTS, table)))
