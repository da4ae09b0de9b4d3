"""Extract: stream every table of a source into landing, as sent.

A delivery arrives in tables beside landing (`<leaf>__incoming`), several at a time. Each is emptied
and filled in one transaction, so that PostgreSQL writes no log for it. Landing itself changes in
one transaction with history. A delivery that fails before that has changed nothing that is read.
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
from carepath.contract.differences import SourceComparison, require_kept
from carepath.contract.model import LONGEST_KEY, LONGEST_VALUE
from carepath.errors import CarepathError, DeliveryError, safe_message
from carepath.landing.delivery import Load, PreviousTables, Progress, TableDelivery
from carepath.landing.tables import LOADER, incoming, record_key
from carepath.settings import get_settings
from carepath.sources import SourceSession
from carepath.sources.blanks import without_blanks
from carepath.warehouse.connect import connect

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class TablePlan:
    """A table to extract: the contract's columns that the source has, and its names for them.

    No columns means that the source no longer has the table, so it arrives empty.
    """

    table: Table
    columns: tuple[str, ...]
    sent_as: tuple[str, ...]


def plan(
    comparison: SourceComparison, source: str, delivered_before: Collection[str] = ()
) -> list[TablePlan]:
    """Return what to read from a source that keeps its contract.

    Args:
        comparison: how it differs from the contract (`carepath.contract.differences.compare`).
        source: its name, for the message.
        delivered_before: tables of its last delivery; if one is gone, it arrives empty.

    Raises:
        SourceError: a required table or column is missing; the message names each.
    """
    require_kept(comparison, source)
    plans = []
    for found in comparison.tables.values():
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
        plans: what to read; the tables' partitions exist already.
        load: the load that the delivery belongs to.
        previous: the last loaded delivery, to find out what is unchanged or truncated.
        accept_truncation: tables that may lose rows or columns this time.
        progress: called for each table that has arrived.

    Raises:
        SourceError: the source fails or is rebuilt during the reading.
        DeliveryError: a table has lost a column or too many rows, is not valid COPY text, or
            was still being filled.
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
        if _is_truncated(delivery) and delivery.table not in accept_truncation:
            # do not ask a person to accept a table that a rebuild has not finished yet
            _refuse_rebuilt(session, [item], [delivery], load)
            _refuse_truncated(delivery, load)
        return delivery

    def arrived(delivery: TableDelivery) -> None:
        if progress:
            progress(delivery.table, delivery.row_count)

    deliveries = in_parallel(land, largest_first, limit=limit, done=arrived)
    _refuse_rebuilt(session, plans, deliveries, load)
    return deliveries


class Going:
    """Says whether the threads of a load may go on."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make the other threads stop at their next chunk."""
        self._stopped.set()

    def check(self) -> None:
        """Raise `Stopped` if another thread failed."""
        if self._stopped.is_set():
            raise Stopped


class Stopped(Exception):  # noqa: N818 - not an error itself: another thread raises that
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
        stack.callback(going.stop)  # an interrupt in this thread stops the others too
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
                sent = session.stream(item.table, item.sent_as)
                for chunk in without_blanks(sent, item.table, item.columns):
                    going.check()
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
            rows = cursor.rowcount
        content_hash = digest.hexdigest()
        before = previous.get(table)
        is_unchanged = (
            before is not None and before.is_latest and before.content_hash == content_hash
        )
        if not is_unchanged:
            _refuse_too_long(cursor, target, item.table, load)
    return TableDelivery(
        table=table,
        row_count=rows,
        byte_count=size,
        content_hash=content_hash,
        seconds=time.monotonic() - started,
        columns=item.columns,
        previous_row_count=before.row_count if before else None,
        is_unchanged=is_unchanged,
    )


@contextmanager
def _naming(load: Load, table: str) -> Iterator[None]:
    """Turn an error of the warehouse into one that names the table, but no value."""
    try:
        yield
    except (CarepathError, Stopped):
        raise
    except psycopg.DataError as error:
        raise DeliveryError(
            f"The table cannot be loaded as it was sent: {safe_message(error)}",
            where=f"source {load.source}, table {table}",
            todo="Have the record corrected at the source. Nothing was loaded.",
        ) from None
    except psycopg.Error as error:
        raise DeliveryError(
            f"The warehouse stopped while loading the table: {safe_message(error)}",
            where=f"source {load.source}, table {table}",
            todo="Run `carepath doctor`, then the night again. Nothing was loaded.",
        ) from None


def _refuse_too_long(
    cursor: psycopg.Cursor[Any], target: sql.Identifier, table: Table, load: Load
) -> None:
    """Refuse values that are too long for an index. In history, they would stop later nights.

    Raises:
        DeliveryError: names the column and the row, counted as sent.
    """
    if not table.indexed_columns:
        return
    columns = [sql.Identifier(name) for name in table.indexed_columns]
    lengths = [
        *((name, _indexed(column), LONGEST_VALUE)
          for name, column in zip(table.indexed_columns, columns, strict=True)),
        (" and ".join(table.natural_key) + " together", record_key(table), LONGEST_KEY),
    ]  # fmt: skip
    # upper case may make a text up to three times as long; only long values are checked exactly
    found = cursor.execute(
        sql.SQL(
            "select ctid, array[{}] from {} where greatest({}) > {} and ({}) order by ctid limit 1"
        ).format(
            sql.SQL(", ").join(sql.SQL("octet_length({})").format(each) for _, each, _ in lengths),
            target,
            sql.SQL(", ").join(sql.SQL("octet_length({})").format(each) for each in columns),
            sql.Literal(LONGEST_KEY // (3 * max(len(table.natural_key), 6))),
            sql.SQL(" or ").join(
                sql.SQL("octet_length({}) > {}").format(each, sql.Literal(most))
                for _, each, most in lengths
            ),
        )
    ).fetchone()
    if found is None:
        return
    place, sizes = found
    name, most = next(
        (name, most)
        for (name, _, most), size in zip(lengths, sizes, strict=True)
        if size is not None and size > most
    )
    row = cursor.execute(
        sql.SQL("select count(*) from {} where ctid <= %s::tid").format(target), (place,)
    ).fetchone()
    raise DeliveryError(
        f"The value of {name} in row {row[0] if row else 0:,} is longer than {most:,} bytes, so "
        "it cannot be an id or a name.",
        where=f"source {load.source}, table {table.name}",
        todo="Correct it at the source: it may be the text of another column. Nothing was loaded.",
    )


def _indexed(column: sql.Identifier) -> sql.Composed:
    """Return a value in the form in which indexes hold it."""
    return sql.SQL("upper(btrim({}))").format(column)


def _refuse_lost_columns(
    item: TablePlan, load: Load, previous: PreviousTables, accepted: Collection[str]
) -> None:
    """Refuse a table that lost a column: history would record its fields as emptied.

    A table that is gone completely is refused as truncated instead.
    """
    table = item.table.name
    before = previous.get(table)
    if before is None or not item.columns or table in accepted:
        return
    lost = sorted(before.columns - set(item.columns))
    if lost and before.row_count:
        raise DeliveryError(
            f"The table has lost {', '.join(lost)}, which the last delivery had.",
            where=f"source {load.source}, table {table}",
            todo="Find out what happened to the column. If it was removed at the source on "
            f"purpose, run the night again with `--accept-truncation {table}`. Nothing was loaded.",
        )


def _is_truncated(delivery: TableDelivery) -> bool:
    settings = get_settings()
    lost = (delivery.previous_row_count or 0) - delivery.row_count
    return lost > settings.truncation_floor and _lost_share(delivery) > settings.truncation_share


def _lost_share(delivery: TableDelivery) -> float:
    """Return the share of the last delivery's rows that are gone; 0 for a first delivery."""
    before = delivery.previous_row_count
    return (before - delivery.row_count) / before if before else 0.0


def _refuse_truncated(delivery: TableDelivery, load: Load) -> None:
    raise DeliveryError(
        f"The table is truncated: {delivery.previous_row_count:,} rows in the last delivery, "
        f"{delivery.row_count:,} now.",
        where=f"source {load.source}, table {delivery.table}",
        todo="Find out what happened to the rows. If they were removed at the source on purpose, "
        f"run the night again with `--accept-truncation {delivery.table}`. "
        "Nothing was loaded.",
    )


def _refuse_rebuilt(
    session: SourceSession,
    plans: Sequence[TablePlan],
    deliveries: Sequence[TableDelivery],
    load: Load,
) -> None:
    """Refuse tables that were replaced while they were read, or are still being filled.

    A source that empties and fills its tables without a transaction shows half-filled tables. So
    rows are counted again in a table that is delivered for the first time, arrived empty or lost
    many rows.
    """
    share = get_settings().truncation_share
    tables = {plan.table.name: plan.table for plan in plans}
    doubtful = {
        each.table: each
        for each in deliveries
        if each.previous_row_count is None or not each.row_count or _lost_share(each) > share
    }
    for name, now in session.count_now([tables[name] for name in doubtful]).items():
        delivery = doubtful[name]
        added = now - delivery.row_count
        has_lost = not delivery.row_count or _lost_share(delivery) > share
        if added > 0 and (has_lost or added > share * now):
            raise DeliveryError(
                f"The table had {delivery.row_count:,} rows when it was read and has {now:,} now, "
                "so the source is being rebuilt. Nothing was loaded.",
                where=f"source {load.source}, table {name}",
                todo="Run the night again when the rebuild has ended. If the source is always "
                "rebuilt at this time, start the night later.",
            )
