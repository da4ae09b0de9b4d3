"""A recording system in any other database that SQLAlchemy can read, streamed row by row.

One connection in one repeatable-read transaction reads the tables one after another: databases
that can't hand a snapshot to a second connection still give one consistent picture.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter
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

Row = Sequence[Any]

# Stand-ins that no sane record contains: for nulls, and in a batch with tabs or line breaks of its
# own for what separates fields and rows. A batch that contains them too is encoded value by value.
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
                self._connection.execute(query.execution_options(stream_results=True)) as result,
            ):
                yield from encode(_fetch(result))
        except SQLAlchemyError as error:
            raise self._source.failed("reading stopped", error, table.name) from None


def _fetch(result: sa.CursorResult[*tuple[Any, ...]]) -> Iterator[Sequence[Row]]:
    """Yield batches of rows as the driver gives them.

    SQLAlchemy's own rows cost as much again as reading does in a fast driver. Its strategy stays
    between, which knows what each driver has fetched already and wraps its errors.
    """
    while rows := result.cursor_strategy.fetchmany(result, result.cursor, BATCH):
        yield rows


def encode(batches: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """Yield each batch of rows, none empty, in PostgreSQL's COPY text format.

    Dates and times become ISO text, bytes PostgreSQL's hexadecimal form, NUL characters, which
    PostgreSQL cannot store, are left out.
    """
    mixed: set[int] = set()  # columns in which anything but text was seen
    for rows in batches:
        yield _encode(rows, mixed)


def _encode(rows: Sequence[Row], mixed: set[int]) -> bytes:
    width = len(rows[0])
    values = list(chain.from_iterable(rows))
    nulls = 0
    for n in mixed:
        values[n::width], found = _as_text(values[n::width])
        nulls += found
    expected = (len(rows) * (width - 1), len(rows), nulls)
    for field, row in ("\t", "\n"), (_FIELD, _ROW):
        try:
            text = row.join(map(field.join, zip(*[iter(values)] * width, strict=True))) + row
        except TypeError:  # the first batch in which a column holds more than text
            mixed.update(n for n in range(width) if set(map(type, values[n::width])) != {str})
            return _encode(rows, mixed)
        if (text.count(field), text.count(row), text.count(_NULL)) == expected:
            break
    else:
        return _encode_slowly(rows)
    for raw, escaped in _ESCAPES:
        if raw not in (field, row) and raw in text:
            text = text.replace(raw, escaped)
    if field == _FIELD:
        text = text.replace(_FIELD, "\t").replace(_ROW, "\n")
    return text.replace(_NULL, "\\N").encode("utf-8", "replace")


def _encode_slowly(rows: Sequence[Row]) -> bytes:
    lines = []
    for row in rows:
        line = []
        for value in row:
            text = "\\N"
            if value is not None:
                (text,) = _texts([value], type(value))
                for raw, escaped in _ESCAPES:
                    text = text.replace(raw, escaped)
            line.append(text)
        lines.append("\t".join(line) + "\n")
    return "".join(lines).encode("utf-8", "replace")


def _as_text(column: Sequence[Any]) -> tuple[list[str], int]:
    """Return a column's values as text, nulls as `_NULL`, and how many are null."""
    kinds = set(map(type, column)) - {type(None)}
    present = [value for value in column if value is not None]
    if len(kinds) == 1:
        texts = iter(_texts(present, kinds.pop()))
    else:  # as SQLite allows
        texts = chain.from_iterable(_texts([value], type(value)) for value in present)
    nulls = len(column) - len(present)
    return ([_NULL if v is None else next(texts) for v in column] if nulls else list(texts)), nulls


def _texts(values: Sequence[Any], kind: type) -> Iterable[str]:
    """Return values of one type as text."""
    if kind is str:
        return values
    if kind is dt.datetime:
        # equal instants of different zones have different texts
        zoned = any(map(attrgetter("tzinfo"), values))
        return map(dt.datetime.isoformat, values, repeat(" ")) if zoned else map(_moment, values)
    if kind is dt.date:
        return map(_day, values)
    if kind is bool:
        return ["t" if value else "f" for value in values]
    if issubclass(kind, Decimal):
        return [
            text if "E" not in text else format(Decimal(text), "f") for text in map(str, values)
        ]
    if issubclass(kind, bytes | bytearray | memoryview):
        return ["\\x" + bytes(value).hex() for value in values]
    return map(str, values)  # int and float give their shortest


# A column's dates repeat, and ISO text takes a microsecond: ten times as long as finding it again.
_day: Final = lru_cache(1 << 14)(dt.date.isoformat)


@lru_cache(1 << 14)
def _moment(value: dt.datetime) -> str:
    return value.isoformat(" ")
