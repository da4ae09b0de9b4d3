"""Extract: stream every table of a source into landing, as sent.

A delivery arrives beside landing (`<leaf>__incoming`), several tables at a time, each emptied and
filled in one transaction, which writes no log. Landing itself changes when history does, in one
transaction; until then a delivery that fails has changed nothing that anybody reads.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from carepath.contract import Table
from carepath.contract.doctor import SourceReport, require_kept
from carepath.errors import CarepathError, DeliveryError, safe_message
from carepath.landing.delivery import Load, PreviousTables, Progress, TableDelivery
from carepath.landing.tables import LOADER, incoming
from carepath.settings import get_settings
from carepath.sources import SourceSession
from carepath.warehouse.connect import connect

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class TablePlan:
    """A table to extract: the contract's columns that the source has, and its names for them.

    A table without columns is one that the source no longer has: it arrives empty.
    """

    table: Table
    columns: tuple[str, ...]
    sent_as: tuple[str, ...]


def plan(
    report: SourceReport, source: str, delivered_before: Collection[str] = ()
) -> list[TablePlan]:
    """Say what to read of a source that keeps its contract.

    Args:
        report: how it stands to the contract (`carepath.contract.doctor.compare`).
        source: its name, for the message.
        delivered_before: tables of its last delivery; one that is gone arrives empty.

    Raises:
        SourceError: a required table or column is missing; the message names each.
    """
    require_kept(report, source)
    plans = []
    for found in report.tables.values():
        pairs = [(column, sent) for column, sent in found.columns.items() if sent is not None]
        if pairs or found.table.name in delivered_before:
            columns, sent_as = zip(*pairs, strict=True) if pairs else ((), ())
            plans.append(TablePlan(found.table, columns, sent_as))
    return plans


def extract(
    session: SourceSession,
    plans: Sequence[TablePlan],
    load: Load,
    previous: PreviousTables,
    *,
    accept_truncation: Collection[str] = (),
    progress: Progress | None = None,
) -> list[TableDelivery]:
    """Stream tables into `landing.<leaf>__incoming`, several at a time, in constant memory.

    Args:
        session: the open source.
        plans: what to read; the tables' partitions are there.
        load: whose delivery it is.
        previous: the last loaded delivery, to tell what is unchanged or truncated.
        accept_truncation: tables that may lose rows or columns this time.
        progress: called for each table that has arrived.

    Raises:
        SourceError: the source fails on the way.
        DeliveryError: a table lost a column or too many rows, or holds bytes that are no COPY
            text.
    """
    for item in plans:
        _refuse_lost_columns(item, load, previous, accept_truncation)
    largest_first = sorted(
        plans,
        key=lambda p: previous[p.table.name].row_count if p.table.name in previous else 0,
        reverse=True,
    )
    limit = min(get_settings().parallel_tables, session.parallel or len(plans) or 1)

    def land(connection: psycopg.Connection[Any], item: TablePlan, going: Going) -> TableDelivery:
        delivery = _land(connection, session, item, load, previous, going)
        _refuse_truncated(delivery, load, accept_truncation)
        return delivery

    def arrived(delivery: TableDelivery) -> None:
        if progress:
            progress(delivery.table, delivery.row_count)

    return in_parallel(land, largest_first, limit=limit, done=arrived)


class Going:
    """Tells the threads of a load whether to go on."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let the other threads give up at their next chunk."""
        self._stopped.set()

    def check(self) -> None:
        """Raise `Stopped` if another thread failed."""
        if self._stopped.is_set():
            raise Stopped


class Stopped(Exception):  # noqa: N818 - it is no error, another thread has that
    """Another thread of the same load failed."""


def in_parallel(
    work: Callable[[psycopg.Connection[Any], Item, Going], Result],
    items: Sequence[Item],
    *,
    limit: int,
    done: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Do `work` for each item in `limit` threads, each with a loader's connection (autocommit).

    `done` is called in the calling thread. The first failure stops the others and is raised.
    """
    results: list[Result] = []
    failures: list[BaseException] = []
    going = Going()
    connections: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()

    def run(item: Item) -> Result:
        going.check()
        connection = connections.get()
        try:
            return work(connection, item, going)
        except BaseException:
            going.stop()
            raise
        finally:
            connections.put(connection)

    with ExitStack() as stack:
        for _ in range(min(limit, len(items))):
            connections.put(stack.enter_context(connect(LOADER, autocommit=True)))
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=max(limit, 1)))
        stack.callback(going.stop)  # an interrupt in this thread ends the others too
        for future in as_completed([pool.submit(run, item) for item in items]):
            try:
                result = future.result()
            except Stopped:
                continue
            except Exception as error:
                failures.append(error)
                continue
            results.append(result)
            if done:
                done(result)
    if failures:
        raise failures[0]
    return results


def _land(
    connection: psycopg.Connection[Any],
    session: SourceSession,
    item: TablePlan,
    load: Load,
    previous: PreviousTables,
    going: Going,
) -> TableDelivery:
    started = time.monotonic()
    table = item.table.name
    target = sql.Identifier("landing", incoming(table, load.authority))
    digest = hashlib.sha256("\t".join(item.columns).encode())
    size = rows = 0
    with _naming(load, table), connection.transaction(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("truncate {}").format(target))
        if item.columns:
            command = sql.SQL("copy {} ({}) from stdin (freeze)").format(
                target, sql.SQL(", ").join(map(sql.Identifier, item.columns))
            )
            with cursor.copy(command) as copy:
                for chunk in session.stream(item.table, item.sent_as):
                    going.check()
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
            rows = cursor.rowcount
    content_hash = digest.hexdigest()
    before = previous.get(table)
    return TableDelivery(
        table=table,
        row_count=rows,
        byte_count=size,
        content_hash=content_hash,
        seconds=time.monotonic() - started,
        columns=item.columns,
        previous_row_count=before.row_count if before else None,
        is_unchanged=before is not None
        and before.is_latest
        and before.content_hash == content_hash,
    )


@contextmanager
def _naming(load: Load, table: str) -> Iterator[None]:
    """Turn what the warehouse refuses into an error that names the table and no value."""
    try:
        yield
    except (CarepathError, Stopped):
        raise
    except psycopg.DataError as error:
        raise DeliveryError(
            f"the table cannot be taken as it was sent: {safe_message(error)}",
            where=f"source {load.source}, table {table}",
            todo="have the record corrected at the source; nothing was loaded.",
        ) from None
    except psycopg.Error as error:
        raise DeliveryError(
            f"the warehouse stopped taking the table: {safe_message(error)}",
            where=f"source {load.source}, table {table}",
            todo="run `carepath doctor`, then the night again; nothing was loaded.",
        ) from None


def _refuse_lost_columns(
    item: TablePlan, load: Load, previous: PreviousTables, accepted: Collection[str]
) -> None:
    """Refuse a table without a column that it had: history would take it for emptied fields.

    A table that is gone altogether is truncated, which says so better.
    """
    table = item.table.name
    before = previous.get(table)
    if before is None or not item.columns or table in accepted:
        return
    lost = sorted(before.columns - set(item.columns))
    if lost and before.row_count:
        raise DeliveryError(
            f"the table lost {', '.join(lost)}, which the last delivery had",
            where=f"source {load.source}, table {table}",
            todo="find out what happened to the column at the source. If it is gone for a "
            f"reason, run the night again with `--accept-truncation {table}`; nothing was loaded.",
        )


def _refuse_truncated(delivery: TableDelivery, load: Load, accepted: Collection[str]) -> None:
    settings = get_settings()
    before, now = delivery.previous_row_count, delivery.row_count
    if before is None or delivery.table in accepted:
        return
    lost = before - now
    if lost > settings.truncation_floor and lost > settings.truncation_share * before:
        raise DeliveryError(
            f"the table is truncated: {before:,} rows in the last delivery, {now:,} now",
            where=f"source {load.source}, table {delivery.table}",
            todo="find out what happened to the rows at the source. If they are gone for a "
            f"reason, run the night again with `--accept-truncation {delivery.table}`; "
            "nothing was loaded.",
        )
