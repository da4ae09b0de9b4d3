"""A recording system in any other database that SQLAlchemy can read, streamed row by row.

One connection in one repeatable-read transaction reads the tables one after another: databases
that can't hand a snapshot to a second connection still give one consistent picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from carepath.contract import Table
from carepath.errors import SourceError
from carepath.sources import SourceColumn, SourceSession, SourceSpec

BATCH: Final = 2_000  # rows; about 200 kB

# By SQLAlchemy's name of the dialect; SQL Server's needs ALLOW_SNAPSHOT_ISOLATION in the database.
ISOLATION: Final = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
    "mssql": "SNAPSHOT",
    "oracle": "SERIALIZABLE",
}

# Stand-ins that no sane record contains, for what COPY gives a meaning to; a batch that does
# contain one is encoded value by value.
_FIELD, _ROW, _NULL = "\x1f", "\x1e", "\x1d"
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\x00", ""))


class DatabaseSource:
    """Any database with a SQLAlchemy dialect; see `carepath.sources.Source`."""

    def __init__(self, spec: SourceSpec, url: str) -> None:
        self.name, self.authority, self.schema = spec.name, spec.authority, spec.schema
        try:
            self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
            reason = f": {error}" if isinstance(error, NoSuchModuleError | ImportError) else ""
            raise SourceError(
                f"the URL of the source cannot be used{reason}",
                where=f"source {spec.name}",
                todo="write it as dialect+driver://user:password@host/database, and install the "
                "driver in Carepath's environment.",
            ) from None
        self.kind = self._engine.dialect.name

    @contextmanager
    def open(self) -> Iterator[SourceSession]:
        """Connect, and read everything in one transaction."""
        try:
            connection = self._engine.connect()
        except Exception as error:  # drivers differ in what they raise before SQLAlchemy wraps it
            raise self.failed("the source cannot be reached", error) from None
        try:
            self._begin(connection)
            yield _DatabaseSession(self, connection)
        finally:
            connection.close()

    def failed(self, what: str, error: BaseException, table: str = "") -> SourceError:
        """Return the error to raise; a driver's message may quote values, so only its kind."""
        cause = getattr(error, "orig", None) or error
        return SourceError(
            f"{what} ({type(cause).__name__})",
            where=f"source {self.name}" + (f", table {table}" if table else ""),
            todo="check that it is up and that its address and account in sources.yml are right.",
        )

    def _begin(self, connection: sa.Connection) -> None:
        level = ISOLATION.get(self._engine.dialect.name)
        try:
            if level is not None:
                connection.execution_options(isolation_level=level)
            elif self._engine.dialect.name == "sqlite":
                # Python's driver begins no transaction before a SELECT
                connection.exec_driver_sql("begin")
            if not connection.in_transaction():
                connection.begin()
        except SQLAlchemyError as error:
            raise self.failed("no consistent picture can be taken", error) from None


class _DatabaseSession:
    period: str | None = None
    accumulates: frozenset[str] = frozenset()
    is_partial: bool = False
    parallel: int | None = 1

    def __init__(self, source: DatabaseSource, connection: sa.Connection) -> None:
        self._source, self._connection = source, connection
        self._lock = threading.Lock()
        self._described: dict[str, list[SourceColumn]] | None = None

    def describe(self) -> dict[str, list[SourceColumn]]:
        if self._described is None:
            try:
                inspector = sa.inspect(self._connection)
                schema = self._source.schema
                names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
                self._described = {
                    name: [
                        SourceColumn(str(c["name"]), str(c["type"]))
                        for c in inspector.get_columns(name, schema)
                    ]
                    for name in names
                    if name.lower().startswith(("ssd_", "local_"))
                }
            except SQLAlchemyError as error:
                raise self._source.failed("its tables cannot be listed", error) from None
        return self._described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        name = next((n for n in self.describe() if n.lower() == table.name), table.name)
        # columns without a type: values come as the driver gives them, unprocessed
        query = sa.select(
            *[
                sa.null().label(f"absent_{n}") if column is None else sa.column(column)
                for n, column in enumerate(columns)
            ]
        ).select_from(sa.table(name, schema=self._source.schema))
        try:
            with (
                self._lock,
                self._connection.execute(
                    query.execution_options(stream_results=True, yield_per=BATCH)
                ) as result,
            ):
                for rows in result.partitions():
                    yield encode(rows)
        except SQLAlchemyError as error:
            raise self._source.failed("reading stopped", error, table.name) from None


def encode(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows in PostgreSQL's COPY text format.

    Dates and times become ISO text, bytes PostgreSQL's hexadecimal form, NUL characters, which
    PostgreSQL cannot store, are left out.
    """
    sent = list(zip(*rows, strict=True))
    columns = [_as_text(column) for column in sent]
    text = _ROW.join(map(_FIELD.join, zip(*columns, strict=True))) + _ROW
    fields = len(rows) * (len(columns) - 1)
    nulls = sum(column.count(None) for column in sent)
    if text.count(_FIELD) != fields or text.count(_ROW) != len(rows) or text.count(_NULL) != nulls:
        return _encode_slowly(rows)
    for raw, escaped in _ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    text = text.replace(_FIELD, "\t").replace(_ROW, "\n").replace(_NULL, "\\N")
    return text.encode("utf-8", "replace")


def _encode_slowly(rows: Sequence[Sequence[Any]]) -> bytes:
    lines = []
    for row in rows:
        line = []
        for value in row:
            text = "\\N"
            if value is not None:
                text = _formatter(type(value))(value)
                for raw, escaped in _ESCAPES:
                    text = text.replace(raw, escaped)
            line.append(text)
        lines.append("\t".join(line) + "\n")
    return "".join(lines).encode("utf-8", "replace")


def _as_text(column: Sequence[Any]) -> Sequence[str]:
    """Return a column's values as text, nulls as `_NULL`; usually all have one type."""
    kinds = set(map(type, column))
    nulls = type(None) in kinds
    kinds.discard(type(None))
    if kinds <= {str}:
        return [_NULL if value is None else value for value in column] if nulls else column
    if len(kinds) == 1:
        form = _formatter(kinds.pop())
        if not nulls:
            return list(map(form, column))
        return [_NULL if value is None else form(value) for value in column]
    return [_NULL if value is None else _formatter(type(value))(value) for value in column]


def _formatter(kind: type) -> Callable[[Any], str]:
    if kind is bool:
        return lambda value: "t" if value else "f"
    if issubclass(kind, Decimal):
        return lambda value: format(value, "f")
    if issubclass(kind, bytes | bytearray | memoryview):
        return lambda value: "\\x" + bytes(value).hex()
    return str  # date and datetime give ISO text, int and float their shortest
