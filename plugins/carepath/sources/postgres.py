"""A recording system in PostgreSQL, read by COPY under one snapshot.

A snapshot alone does not protect a night: after TRUNCATE, or DROP and CREATE, a table looks empty
to an older snapshot. So Carepath locks the tables (ACCESS SHARE) before it takes the snapshot.
A rebuild then waits until the tables have been read, and the night waits for a rebuild.

Rows are passed on as libpq gives them, without decoding: psycopg's own `Copy` object takes about
three times as long per row.
"""

from __future__ import annotations

import re
import selectors
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import psycopg
from psycopg import pq, sql
from psycopg.errors import error_from_result
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from carepath.contract import Table, load_contract
from carepath.errors import SourceError, safe_message
from carepath.settings import get_settings
from carepath.sources import causes
from carepath.sources.address import Address, resolve
from carepath.sources.kind import (
    REPLACES_ALL,
    WHOLE,
    Accumulates,
    DeniedError,
    Kind,
    SourceColumn,
    SourceSession,
    asked_for,
    denied_among,
    failure,
    rebuilt,
    refuse_denied,
    refuse_namesakes,
    sent_types,
)
from carepath.sources.spec import SourceSpec

CHUNK: Final = 1 << 17  # bytes; larger ones leave the processor's cache

# These protect the source from long queries, and fix the form of dates.
SESSION: Final = {
    "lock_timeout": "10s",  # do not wait long for a table that is being altered
    "statement_timeout": "2h",
    "idle_in_transaction_session_timeout": "4h",  # ends the snapshot of a dead process
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "timezone": "Europe/London",  # an instant belongs to the day in England
    "client_encoding": "UTF8",
}

PATIENCE: Final = 60.0  # seconds for which a night waits for a rebuild to end
# Shorter than PostgreSQL's deadlock_timeout (1 s). Where a rebuild and Carepath wait for each
# other's tables, Carepath lets go first and tries again, so the rebuild is never cancelled.
TABLE_LOCK_TIMEOUT: Final = "300ms"


# Classes of SQLSTATE in which PostgreSQL's message names objects, but never quotes a record. What
# a function of the source raises itself may quote anything.
NAMES_OBJECTS: Final = ("25", "3F", "42", "53", "55", "57")


UNCONNECTED: Final = causes.Cause("the connection failed", causes.REFUSED.todo)


class SourceBusyError(SourceError):
    """Another session is altering the source's tables, perhaps to rebuild them; try again."""


@dataclass(frozen=True)
class _Relation:
    """A table or view of the source: its identity and its columns."""

    oid: int
    columns: tuple[SourceColumn, ...]


class PostgresSource:
    """PostgreSQL as a source; see `carepath.sources.Source`."""

    kind = "postgresql"

    def __init__(self, spec: SourceSpec, address: Address) -> None:
        self.name, self.authority, self.schema = spec.name, spec.authority, spec.schema
        self.spelling = spec.spelling
        self._address, parts = address, address.url
        self._parameters = {
            name: str(value)
            for name, value in {
                "host": parts.host,
                "port": parts.port,
                "user": parts.username,
                "password": parts.password,
                "dbname": parts.database,
                "connect_timeout": 15,
                # a source that stops answering is noticed within two minutes
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
        """Lock the contract's tables and hold one snapshot for as long as the session is open.

        Raises:
            SourceError: the source cannot be reached, or a table cannot be read.
            SourceBusyError: another session keeps a table locked for `PATIENCE` seconds.
        """
        patiently = Retrying(
            retry=retry_if_exception_type(SourceBusyError),
            stop=stop_after_delay(PATIENCE),
            wait=wait_fixed(1),
            reraise=True,
        )
        with patiently(_Connections, self) as connections:
            yield _PostgresSession(self, connections)

    def reach(self) -> None:
        """Connect and close again.

        Raises:
            SourceError: the source cannot be reached.
        """
        self.connect().close()

    def connect(
        self,
        snapshot: str | None = None,
        level: psycopg.IsolationLevel = psycopg.IsolationLevel.REPEATABLE_READ,
    ) -> psycopg.Connection[Any]:
        """Open a connection in a read-only transaction that sees `snapshot`."""
        try:
            connection = psycopg.connect(**self._parameters)  # type: ignore[arg-type]
            connection.isolation_level = level
            connection.read_only = True
            if snapshot is not None:
                connection.execute(sql.SQL("set transaction snapshot {}").format(snapshot))
            for name, value in SESSION.items():
                _set(connection, name, value)
        except psycopg.Error as error:
            raise self.failed("The source cannot be reached", error) from None
        return connection

    def identifier(self, name: str) -> sql.Identifier:
        """Return a table's name in SQL, with the schema that sources.yml names."""
        return sql.Identifier(self.schema, name) if self.schema else sql.Identifier(name)

    def failed(self, what: str, error: BaseException, table: str = "") -> SourceError:
        """Return the error to raise for what a driver raised."""
        state = (getattr(error, "sqlstate", None) or "") if isinstance(error, psycopg.Error) else ""
        if not state:
            # libpq's message names the host, the user and the database, and parts of a password
            return failure(what, causes.by_text(str(error)) or UNCONNECTED, self.name, table)
        named = state.startswith(NAMES_OBJECTS)
        reason = self._address.hide(safe_message(error).strip()) if named else ""
        return failure(what, causes.by_state(state), self.name, table, reason)

    def ask(self, connection: psycopg.Connection[Any], name: str, columns: Sequence[str]) -> None:
        """Ask for columns of a table, without any row.

        Raises:
            DeniedError: the account may not read one of them.
            SourceError: they cannot be read for another reason.
        """
        query = sql.SQL("select {} from {} limit 0").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), self.identifier(name)
        )
        try:
            with connection.transaction():  # a savepoint: another table may be asked next
                connection.execute(query)
        except psycopg.Error as error:
            raise self.failed("The table cannot be read", error, name) from None

    def busy(self, table: str) -> SourceBusyError:
        """Return the error for a table that another session is altering."""
        return SourceBusyError(
            "Another session has locked the table or is replacing it, probably to rebuild it. "
            f"Carepath waited {PATIENCE:.0f} seconds.",
            where=f"source {self.name}, table {table}",
            todo="Run the night again when the rebuild has ended. If the source is always rebuilt "
            "at this time, start the night later.",
        )


class _Connections:
    """Connections that hold the contract's tables and see one snapshot.

    The guard runs in READ COMMITTED: it has no snapshot, so it sees the source as it is now. The
    readers share one snapshot. Each of them locks all tables before the first row is read: a
    reader that asked for a lock later would wait behind a rebuild that waits for the guard.
    """

    def __init__(self, source: PostgresSource) -> None:
        self.source = source
        self._lending, self._guarding = threading.Lock(), threading.Lock()
        with ExitStack() as stack:
            self._guard = source.connect(level=psycopg.IsolationLevel.READ_COMMITTED)
            stack.callback(self._guard.close)
            self.relations = self._read_catalogue()
            self._hold(self._guard)
            self._idle: list[psycopg.Connection[Any]] = []
            snapshot = None
            for _ in range(get_settings().parallel_tables):
                reader = source.connect(snapshot)
                stack.callback(reader.close)
                self._idle.append(reader)
                if snapshot is None:
                    found = reader.execute("select pg_export_snapshot()").fetchone()
                    snapshot = str(found[0]) if found else None
                self._hold(reader)
            if changed := self._changed():
                raise source.busy(changed)
            self.count = len(self._idle)
            self._stack = stack.pop_all()

    def __enter__(self) -> _Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a reader to one thread. A reader that failed is not lent again."""
        with self._lending:
            connection = self._idle.pop()
        yield connection
        with self._lending:
            self._idle.append(connection)

    def count_now(self, names: Collection[str]) -> dict[str, int]:
        """Return how many rows the tables hold at this moment, by their names in the source.

        Raises:
            SourceError: a table of the contract was dropped, made or replaced since.
        """
        with self._guarding:
            if changed := self._changed():
                raise rebuilt(self.source.name, changed)
            counts = {}
            for name in names:
                query = sql.SQL("select count(*) from {}").format(self.source.identifier(name))
                try:
                    found = self._guard.execute(query).fetchone()
                except psycopg.Error as error:
                    raise self.source.failed("Reading stopped", error, name) from None
                counts[name] = int(found[0]) if found else 0
            return counts

    def _hold(self, connection: psycopg.Connection[Any]) -> None:
        """Lock the contract's tables, and those that its views read, until the connection closes.

        A query without rows takes the lock with the right to read alone, for materialised views
        and partitions too. LOCK TABLE would need more rights, and does not cover those.
        """
        _set(connection, "lock_timeout", TABLE_LOCK_TIMEOUT)
        denied: dict[str, DeniedError] = {}
        for name in _contracted(self.relations):
            query = sql.SQL("select from {} limit 0").format(self.source.identifier(name))
            try:
                with connection.transaction():  # a savepoint: the other tables are asked too
                    connection.execute(query)
            except (
                psycopg.errors.LockNotAvailable,
                psycopg.errors.UndefinedTable,
                psycopg.errors.DeadlockDetected,
            ):
                if not denied:
                    raise self.source.busy(name) from None
            except psycopg.Error as error:
                failed = self.source.failed("The table cannot be read", error, name)
                if not isinstance(failed, DeniedError):
                    raise failed from None
                denied[name] = failed
        if denied:
            # name the columns of other tables as well, before a right is asked for
            contract = load_contract().tables
            others = {
                name: asked_for(contract[name.lower()], relation.columns, self.source.spelling)
                for name, relation in _contracted(self.relations).items()
                if name not in denied
            }
            denied |= denied_among(partial(self.source.ask, connection), others)
        refuse_denied(self.source.name, denied)
        _set(connection, "lock_timeout", SESSION["lock_timeout"])

    def _changed(self) -> str | None:
        """Return a table of the contract that was dropped, made or replaced, or None."""
        before, now = _contracted(self.relations), _contracted(self._read_catalogue())
        return min((n for n in {*before, *now} if before.get(n) != now.get(n)), default=None)

    def _read_catalogue(self) -> dict[str, _Relation]:
        try:
            rows = self._guard.execute(
                """
                select c.relname, c.oid, a.attname, format_type(a.atttypid, a.atttypmod)
                from pg_class as c
                inner join pg_attribute as a on a.attrelid = c.oid
                where c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0
                    and not a.attisdropped
                    and c.relnamespace = coalesce(%s, current_schema())::regnamespace
                order by c.relname, a.attnum
                """,
                (self.source.schema,),
            ).fetchall()
        except psycopg.Error as error:
            raise self.source.failed("The tables of the source cannot be listed", error) from None
        columns: dict[tuple[str, int], list[SourceColumn]] = {}
        for name, oid, column, kind in rows:
            columns.setdefault((name, oid), []).append(SourceColumn(column, kind))
        refuse_namesakes(self.source.name, [name for name, _ in columns])
        return {name: _Relation(oid, tuple(found)) for (name, oid), found in columns.items()}


class _PostgresSession:
    period: str | None = None
    accumulates: Accumulates = REPLACES_ALL
    is_partial: bool = False

    def __init__(self, source: PostgresSource, connections: _Connections) -> None:
        self._source, self._connections = source, connections
        self.parallel: int | None = connections.count

    def describe(self) -> dict[str, list[SourceColumn]]:
        return {name: list(found.columns) for name, found in self._connections.relations.items()}

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        name = self._name(table)
        found = self._connections.relations.get(name)
        types = {column.name: column.type for column in found.columns} if found else {}
        wanted = sent_types(table, self._source.spelling)
        query = sql.SQL("copy (select {} from {}) to stdout").format(
            sql.SQL(", ").join(
                sql.NULL if column is None else _sent(column, types.get(column, ""), wanted)
                for column in columns
            ),
            self._source.identifier(name),
        )
        try:
            with self._connections.lend() as connection:
                yield from copy_out(connection, query.as_bytes(connection))
        except psycopg.Error as error:
            raise self._source.failed("Reading stopped", error, table.name) from None

    def require_readable(self, table: Table, columns: Sequence[str]) -> None:
        with self._connections.lend() as connection:
            try:
                self._source.ask(connection, self._name(table), columns)
            except SourceError as error:
                failed = error
            else:
                return
        raise failed

    def count_now(self, tables: Collection[Table]) -> dict[str, int]:
        names = {self._name(table): table.name for table in tables}
        counts = self._connections.count_now(
            [name for name in names if name in self._connections.relations]
        )
        return {names[name]: count for name, count in counts.items()}

    def _name(self, table: Table) -> str:
        """Return the source's own name for a table of the contract."""
        names = self._connections.relations
        return next((name for name in names if name.lower() == table.name), table.name)


def _contracted(relations: Mapping[str, _Relation]) -> dict[str, _Relation]:
    """Return the relations that are tables of the contract."""
    tables = load_contract().tables
    return {name: found for name, found in relations.items() if name.lower() in tables}


def _sent(column: str, kind: str, wanted: Mapping[str, str]) -> sql.Composable:
    """Return a column in SQL: without the padding of `character`, ids and codes as whole numbers.

    `numeric(9,2)` would send 398768.00 as an id that another table holds as 398768.
    """
    name = sql.Identifier(column)
    if kind.startswith("character("):
        return sql.SQL("rtrim({})").format(name)
    if kind.startswith("numeric") and "[" not in kind and wanted.get(column.lower()) in WHOLE:
        return sql.SQL("trim_scale({})").format(name)
    return name


def _set(connection: psycopg.Connection[Any], name: str, value: str) -> None:
    connection.execute(sql.SQL("set {} = {}").format(sql.Identifier(name), sql.Literal(value)))


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


def source(spec: SourceSpec) -> PostgresSource:
    """Return the source that an entry of sources.yml describes."""
    return PostgresSource(spec, resolve(spec))


KIND: Final = Kind(
    example="postgresql://user:password@host:port/database",
    handles=lambda url: re.match(r"postgres(ql)?(\+\w+)?:", url) is not None,
    source=source,
    at=PostgresSource,
)
