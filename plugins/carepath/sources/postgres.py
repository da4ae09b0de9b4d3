"""A recording system in PostgreSQL, read by COPY under one snapshot.

Rows are relayed as libpq hands them over, without being decoded: psycopg's own `Copy` object costs
about three times as much per row.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import psycopg
from psycopg import pq, sql
from psycopg.errors import error_from_result
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from carepath.contract import Table
from carepath.errors import SourceError, safe_message
from carepath.sources import SourceColumn, SourceSession, SourceSpec

CHUNK: Final = 1 << 17  # bytes; larger ones leave the processor's cache

# What keeps the source safe from us, and its dates the same whatever its own settings are.
SESSION: Final = {
    "lock_timeout": "10s",  # a table that somebody alters is not waited for
    "statement_timeout": "2h",
    "idle_in_transaction_session_timeout": "4h",  # the snapshot goes if this process is lost
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "Europe/London",  # an instant becomes the day on which it was recorded
    "client_encoding": "UTF8",
}


class PostgresSource:
    """PostgreSQL as a source; see `carepath.sources.Source`."""

    kind = "postgresql"

    def __init__(self, spec: SourceSpec, url: str) -> None:
        self.name, self.authority, self.schema = spec.name, spec.authority, spec.schema
        try:
            parts = make_url(url)
        except (ArgumentError, ValueError):
            raise SourceError(
                "the URL of the source cannot be read",
                where=f"source {spec.name}",
                todo="write it as postgresql://user:password@host:port/database.",
            ) from None
        self._parameters = {
            name: str(value)
            for name, value in {
                "host": parts.host,
                "port": parts.port,
                "user": parts.username,
                "password": parts.password,
                "dbname": parts.database,
                "connect_timeout": 15,
                # a source that went away without a word is noticed within two minutes
                "keepalives_idle": 60,
                "keepalives_interval": 10,
                "keepalives_count": 6,
                "application_name": "carepath",
                **parts.query,
            }.items()
            if value is not None
        }

    @contextmanager
    def open(self) -> Iterator[SourceSession]:
        """Connect, and hold one snapshot for as long as the session is open."""
        with ExitStack() as stack:
            connections = _Connections(self, stack)
            yield _PostgresSession(self, connections)

    def connect(self, snapshot: str | None = None) -> psycopg.Connection[Any]:
        """Open a connection in a read-only transaction that sees `snapshot`."""
        try:
            connection = psycopg.connect(**self._parameters)  # type: ignore[arg-type]
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            if snapshot is not None:
                connection.execute(sql.SQL("set transaction snapshot {}").format(snapshot))
            for name, value in SESSION.items():
                connection.execute(
                    sql.SQL("set {} = {}").format(sql.Identifier(name), sql.Literal(value))
                )
        except psycopg.Error as error:
            raise self.failed("the source cannot be reached", error) from None
        return connection

    def failed(self, what: str, error: BaseException, table: str = "") -> SourceError:
        """Return the error to raise for what a driver raised."""
        place = f"source {self.name}" + (f", table {table}" if table else "")
        reason = safe_message(error).strip()
        if isinstance(error, psycopg.OperationalError) and error.diag.message_primary is None:
            # libpq's own text, which names host and role but no record; the last line is the cause
            reason = (str(error).strip().splitlines() or [reason])[-1]
        return SourceError(
            f"{what}: {reason}",
            where=place,
            todo="check that it is up and that its address and account in sources.yml are right.",
        )


class _Connections:
    """Connections that all see the snapshot of the first one, lent to one thread at a time."""

    def __init__(self, source: PostgresSource, stack: ExitStack) -> None:
        self.source, self._stack = source, stack
        self.first = stack.enter_context(source.connect())
        found = self.first.execute("select pg_export_snapshot()").fetchone()
        self._snapshot = str(found[0]) if found else None
        self._idle: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection[Any]]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self.source.connect(self._snapshot)
            with self._lock:
                self._stack.callback(connection.close)
        yield connection
        with self._lock:  # after an error it is left aside, and closed with the session
            self._idle.append(connection)


class _PostgresSession:
    period: str | None = None
    accumulates: frozenset[str] = frozenset()
    is_partial: bool = False
    parallel: int | None = None

    def __init__(self, source: PostgresSource, connections: _Connections) -> None:
        self._source, self._connections = source, connections
        self._described: dict[str, list[SourceColumn]] | None = None

    def describe(self) -> dict[str, list[SourceColumn]]:
        if self._described is None:
            self._described = self._read_catalogue()
        return self._described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        name = next((n for n in self.describe() if n.lower() == table.name), table.name)
        schema = self._source.schema
        query = sql.SQL("copy (select {} from {}) to stdout").format(
            sql.SQL(", ").join(
                sql.NULL if column is None else sql.Identifier(column) for column in columns
            ),
            sql.Identifier(schema, name) if schema else sql.Identifier(name),
        )
        try:
            with self._connections.lend() as connection:
                yield from copy_out(connection, query.as_bytes(connection))
        except psycopg.Error as error:
            raise self._source.failed("reading stopped", error, table.name) from None

    def _read_catalogue(self) -> dict[str, list[SourceColumn]]:
        try:
            rows = self._connections.first.execute(
                """
                select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
                from pg_class as c
                inner join pg_attribute as a on a.attrelid = c.oid
                where c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0
                    and not a.attisdropped
                    and c.relnamespace = coalesce(%s, current_schema())::regnamespace
                order by c.relname, a.attnum
                """,
                (self._source.schema,),
            ).fetchall()
        except psycopg.Error as error:
            raise self._source.failed("its tables cannot be listed", error) from None
        described: dict[str, list[SourceColumn]] = {}
        for table, column, kind in rows:
            described.setdefault(table, []).append(SourceColumn(column, kind))
        return described


def copy_out(connection: psycopg.Connection[Any], query: bytes) -> Iterator[bytes]:
    """Run a COPY TO STDOUT and yield its bytes in chunks of about `CHUNK`.

    Raises:
        psycopg.Error: as the server or the connection reports it.
    """
    libpq = connection.pgconn
    with selectors.DefaultSelector() as ready:
        ready.register(libpq.socket, selectors.EVENT_READ)

        def result() -> pq.abc.PGresult | None:
            while libpq.is_busy():
                ready.select()
                libpq.consume_input()
            return libpq.get_result()

        libpq.send_query(query)
        while libpq.flush():
            libpq.consume_input()
        _expect(result(), pq.ExecStatus.COPY_OUT)
        take = libpq.get_copy_data
        rows: list[bytes] = []
        size = 0
        while True:
            count, row = take(1)
            if count > 0:
                rows.append(bytes(row))
                size += count
                if size >= CHUNK:
                    yield b"".join(rows)
                    rows.clear()
                    size = 0
            elif count == 0:
                ready.select()
                libpq.consume_input()
            else:
                break
        _expect(result(), pq.ExecStatus.COMMAND_OK)
        result()
    if rows:
        yield b"".join(rows)


def _expect(found: pq.abc.PGresult | None, status: pq.ExecStatus) -> None:
    if found is None:
        raise psycopg.OperationalError("the connection was closed")
    if found.status != status:
        raise error_from_result(found)
