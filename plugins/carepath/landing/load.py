"""Load one source for one night: extract it, bring history up to it, and record both in ops."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from carepath.contract import load_contract
from carepath.contract.differences import compare
from carepath.errors import CarepathError, DeliveryError, SourceError, safe_message
from carepath.landing.delivery import Load, LoadResult, Previous, Progress, TableDelivery
from carepath.landing.disposed import leave_out
from carepath.landing.extract import extract, plan
from carepath.landing.history import apply_history, refuse_earlier
from carepath.landing.tables import LOADER, analyse, ensure, ensure_authority, index_people
from carepath.sources import SourceSpec, open_source
from carepath.sources.kind import refuse_unreadable
from carepath.sources.notes import DeliveryNote, keep_notes, notes_of
from carepath.warehouse.connect import connect


def load_source(
    run_id: str | None,
    spec: SourceSpec,
    night: dt.date,
    *,
    period: str | None = None,
    accept_truncation: Collection[str] = (),
    progress: Progress | None = None,
) -> LoadResult:
    """Load one delivery of a source into landing and history: all of it or nothing.

    Args:
        run_id: the run in ops.runs; None outside a night.
        spec: the source.
        night: the day; the delivery holds the records as they were at its close.
        period: collection year of a return; None for what the source itself says.
        accept_truncation: tables that may lose rows or columns this time.
        progress: called with name and rows of each table that has arrived.

    Raises:
        SourceError: the source cannot be reached or breaks the contract.
        DeliveryError: the delivery is malformed, truncated or out of order.
        WarehouseError: the warehouse cannot be reached.
    """
    contract = load_contract()
    source = open_source(spec)
    ensure(contract)
    with connect(LOADER, autocommit=True) as connection, _only_one(connection, spec):
        _register(connection, spec, source.kind)
        load = _begin(connection, run_id, spec, night, period)
        with _failing(connection, load):
            refuse_earlier(connection, load)
            with source.open() as session:
                if period is None and session.period is not None:
                    load = _say_period(connection, load, session.period)
                previous = _previous(connection, load)
                comparison = compare(
                    contract,
                    session.describe(),
                    spec.spelling,
                    is_partial=session.is_partial or spec.is_partial,
                )
                delivered = [name for name, table in previous.items() if table.row_count]
                plans = plan(comparison, spec.name, delivered)
                refuse_unreadable(
                    spec.name, session, [(p.table, p.sent_as) for p in plans if p.sent_as]
                )
                _refuse_another_return(connection, load, [p.table.name for p in plans])
                ensure_authority(contract, load.authority, [p.table.name for p in plans])
                notes = notes_of(session)
                keep_notes(connection, load.load_id, notes)
                started = time.monotonic()
                deliveries = extract(
                    session,
                    plans,
                    load,
                    previous,
                    accept_truncation=accept_truncation,
                    progress=progress,
                )
                extracted = time.monotonic()
                accumulates = session.accumulates
            connection.execute(
                "update ops.loads set state = 'landed' where load_id = %s", (load.load_id,)
            )
            deliveries, left_out = leave_out(connection, load, contract, deliveries)
            if left_out:
                note = DeliveryNote(f"all files of {load.period}", 0, "", _left_out(left_out))
                keep_notes(connection, load.load_id, [*notes, note])
            comparing = time.monotonic()
            tables = apply_history(
                connection, load, contract, deliveries, previous, accumulates=accumulates
            )
            index_people(contract, load.authority)
            analyse(load.authority, [each.table for each in tables if _changed_much(each)])
            ended = time.monotonic()
    return LoadResult(load, tuple(tables), extracted - started, ended - comparing)


def _left_out(count: int) -> str:
    return (
        f"Records that were left out: {count}. They are of people whose records were disposed of,"
        " and a later return does not have them (docs/retention.md)."
    )


def _refuse_another_return(
    connection: psycopg.Connection[Any], load: Load, tables: Sequence[str]
) -> None:
    """Refuse a return if another source has delivered one of its tables for the same year.

    Each would close the other's records, because it does not send them.

    Raises:
        DeliveryError: names the other source and the table.
    """
    found = connection.execute(
        "select loads.source, deliveries.table_name from ops.loads as loads"
        " inner join ops.table_deliveries as deliveries on loads.load_id = deliveries.load_id"
        " where loads.authority = %s and loads.source <> %s and loads.period = %s"
        " and loads.state = 'loaded' and deliveries.table_name = any(%s)"
        " order by loads.load_id desc, deliveries.table_name limit 1",
        (load.authority, load.source, load.period, list(tables)),
    ).fetchone()
    if found:
        raise DeliveryError(
            f"The source {found[0]} already delivered {found[1]} for {load.period}, so loading"
            " another return of that year would remove its records.",
            where=f"source {load.source}, authority {load.authority}",
            todo="Give one of the two returns another authority (?authority=CODE).",
        )


def _changed_much(delivery: TableDelivery) -> bool:
    """Say whether statistics are out of date. Autovacuum sees to smaller changes."""
    return delivery.opened_count + delivery.closed_count > 0.1 * delivery.row_count


@contextmanager
def _only_one(connection: psycopg.Connection[Any], spec: SourceSpec) -> Iterator[None]:
    """Let only one process load a source at a time. The lock ends with the connection.

    The server needs a moment to notice a killed process, so the next one waits up to 15 seconds.
    """
    try:
        connection.execute("set lock_timeout = '15s'")
        connection.execute(
            "select pg_advisory_lock(hashtext('carepath.load ' || %s))", (spec.name,)
        )
    except psycopg.errors.LockNotAvailable:
        raise DeliveryError(
            "Another process is loading this source.",
            where=f"source {spec.name}",
            todo="Wait for it to end, then run the night again.",
        ) from None
    connection.execute("reset lock_timeout")
    yield


def _register(connection: psycopg.Connection[Any], spec: SourceSpec, kind: str) -> None:
    with connection.transaction():
        connection.execute(
            "insert into ops.authorities (authority, name) values (%s, %s)"
            " on conflict (authority) do update set name = excluded.name"
            " where authorities.name <> excluded.name",
            (spec.authority, spec.authority_name),
        )
        connection.execute(
            "insert into ops.sources (source, authority, kind) values (%s, %s, %s)"
            " on conflict (source) do update set kind = excluded.kind"
            " where sources.kind <> excluded.kind",
            (spec.name, spec.authority, kind),
        )
        found = connection.execute(
            "select authority from ops.sources where source = %s", (spec.name,)
        ).fetchone()
        if found and found[0] != spec.authority:
            raise SourceError(
                f"The source delivered for {found[0]} before, and now for {spec.authority}.",
                where=f"source {spec.name}",
                todo="Correct the authority in sources.yml, or give the new source another name.",
            )


def _begin(
    connection: psycopg.Connection[Any],
    run_id: str | None,
    spec: SourceSpec,
    night: dt.date,
    period: str | None,
) -> Load:
    """Begin the load. Earlier loads of the source that did not end are marked as failed."""
    with connection.transaction():
        connection.execute(
            "with interrupted as ("
            "update ops.loads set state = 'failed', finished_at = now(),"
            " message = 'The load was interrupted.'"
            " where source = %s and state in ('landing', 'landed') returning load_id)"
            " delete from landing.changes where load_id in (select load_id from interrupted)",
            (spec.name,),
        )
        found = connection.execute(
            "insert into ops.loads (run_id, source, authority, night, period)"
            " values (%s, %s, %s, %s, %s) returning load_id",
            (run_id, spec.name, spec.authority, night, period),
        ).fetchone()
    assert found is not None  # noqa: S101 - an insert that returns always has a row
    return Load(int(found[0]), spec.name, spec.authority, night, period)


@contextmanager
def _failing(connection: psycopg.Connection[Any], load: Load) -> Iterator[None]:
    """Record how a load failed, without any value of a record.

    A load that history already holds stays "loaded": the next delivery is compared with it.
    """
    try:
        yield
    except BaseException as error:
        message = (
            safe_message(error)
            if isinstance(error, CarepathError | psycopg.Error)
            else type(error).__name__
        )
        if not connection.broken:
            with connection.transaction():
                connection.execute(
                    "delete from landing.changes where load_id = %s", (load.load_id,)
                )
                connection.execute(
                    "update ops.loads set state = 'failed', finished_at = now(), message = %s"
                    " where load_id = %s and state <> 'loaded'",
                    (message, load.load_id),
                )
        raise


def _say_period(connection: psycopg.Connection[Any], load: Load, period: str) -> Load:
    connection.execute(
        "update ops.loads set period = %s where load_id = %s", (period, load.load_id)
    )
    return Load(load.load_id, load.source, load.authority, load.night, period)


def _previous(connection: psycopg.Connection[Any], load: Load) -> dict[str, Previous]:
    """Return the tables of the source's last loaded delivery of the same period."""
    found = connection.execute(
        """
        select
            d.table_name,
            d.row_count,
            coalesce(d.duplicate_count, 0),
            d.content_hash,
            l.load_id = (
                select max(load_id) from ops.loads
                where source = %(source)s and state = 'loaded'
            ),
            d.columns
        from ops.loads as l
        inner join ops.table_deliveries as d on l.load_id = d.load_id
        where l.load_id = (
            select max(load_id) from ops.loads
            where source = %(source)s and state = 'loaded'
                and period is not distinct from %(period)s::text
        )
        """,
        {"source": load.source, "period": load.period},
    ).fetchall()
    return {
        str(name): Previous(rows, duplicates, digest, is_latest, frozenset(columns or ()))
        for name, rows, duplicates, digest, is_latest, columns in found
    }
