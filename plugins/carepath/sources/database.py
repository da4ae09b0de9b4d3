"""A recording system in any other database that SQLAlchemy can read, streamed row by row.

One connection in one transaction reads the tables one after another, under the strictest isolation
that the database has for readers (`ISOLATION`). Before the first one is read, every table of the
contract is opened: MySQL and MariaDB then lock it, so that a rebuild waits. Oracle and SQL Server
refuse to read on from a table that was rebuilt. Any other database may not show one consistent
state. With every database, Carepath notices a table that had rows when it was opened and is empty
when it is read.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from carepath.contract import Table, load_contract
from carepath.errors import SourceError
from carepath.sources.address import Address, resolve, unreadable
from carepath.sources.kind import Kind, SourceColumn, SourceSession, rebuilt
from carepath.sources.spec import SourceSpec

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

# Control characters that mark a null and, in a batch whose values hold tabs or line breaks, divide
# fields and rows. A batch that contains them itself is encoded value by value.
_FIELD, _ROW, _NULL = "\x1f", "\x1e", "\x1d"
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\x00", ""))


class DatabaseSource:
    """Any database with a SQLAlchemy dialect; see `carepath.sources.Source`."""

    def __init__(self, spec: SourceSpec, address: Address) -> None:
        self.name, self.authority, self.schema = spec.name, spec.authority, spec.schema
        try:
            self._engine = sa.create_engine(address.url, poolclass=sa.NullPool)
        except (NoSuchModuleError, ImportError) as error:
            raise SourceError(
                "The URL of the source cannot be used, because a driver is not installed: "
                f"{address.hide(str(error))}.",
                where=f"source {spec.name}",
                todo="Install the driver in Carepath's environment, or correct the beginning of "
                "the URL (dialect+driver).",
            ) from None
        except (ArgumentError, ValueError, TypeError):
            raise unreadable(spec) from None
        self.kind = self._engine.dialect.name

    @contextmanager
    def open(self) -> Iterator[SourceSession]:
        """Connect, and read everything in one transaction."""
        with self.connect() as connection:
            self._begin(connection)
            yield _DatabaseSession(self, connection)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Open a connection and close it in the end, without a commit."""
        try:
            connection = self._engine.connect()
        except Exception as error:  # SQLAlchemy does not wrap all that a driver raises here
            raise self.failed("The source cannot be reached", error) from None
        try:
            yield connection
        finally:
            connection.close()

    def tables(self, connection: sa.Connection) -> list[str]:
        """Return the source's tables and views with a prefix of the contract, in order."""
        try:
            inspector = sa.inspect(connection)
            names = [
                *inspector.get_table_names(self.schema), *inspector.get_view_names(self.schema)
            ]  # fmt: skip
        except SQLAlchemyError as error:
            raise self.failed("The tables of the source cannot be listed", error) from None
        return sorted(name for name in names if name.lower().startswith(("ssd_", "local_")))

    def count(self, connection: sa.Connection, name: str) -> int:
        """Return how many rows a table holds."""
        query = sa.select(sa.func.count()).select_from(sa.table(name, schema=self.schema))
        try:
            return int(connection.execute(query).scalar_one())
        except SQLAlchemyError as error:
            raise self.failed("Reading stopped", error, name) from None

    def failed(self, what: str, error: BaseException, table: str = "") -> SourceError:
        """Return the error to raise. It leaves out the driver's message, which may quote values."""
        cause = getattr(error, "orig", None) or error
        return SourceError(
            f"{what} ({type(cause).__name__})",
            where=f"source {self.name}" + (f", table {table}" if table else ""),
            todo="Check that the source is up, and that its address and account in sources.yml are "
            "right.",
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
            raise self.failed("The source cannot show one consistent state", error) from None


class _DatabaseSession:
    period: str | None = None
    accumulates: frozenset[str] = frozenset()
    is_partial: bool = False
    parallel: int | None = 1

    def __init__(self, source: DatabaseSource, connection: sa.Connection) -> None:
        self._source, self._connection = source, connection
        self._lock = threading.Lock()
        self._described: dict[str, list[SourceColumn]] | None = None
        self._names = source.tables(connection)
        contract = load_contract().tables
        self._held_rows = {
            name: self._touch(name) for name in self._names if name.lower() in contract
        }

    def describe(self) -> dict[str, list[SourceColumn]]:
        if self._described is None:
            try:
                inspector = sa.inspect(self._connection)
                self._described = {
                    name: [
                        SourceColumn(str(c["name"]), str(c["type"]))
                        for c in inspector.get_columns(name, self._source.schema)
                    ]
                    for name in self._names
                }
            except SQLAlchemyError as error:
                raise self._source.failed(
                    "The tables of the source cannot be listed", error
                ) from None
        return self._described

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        name = self._name(table)
        # columns have no type, so that SQLAlchemy passes on the driver's values as they are
        query = sa.select(
            *[
                sa.null().label(f"absent_{n}") if column is None else sa.column(column)
                for n, column in enumerate(columns)
            ]
        ).select_from(sa.table(name, schema=self._source.schema))
        is_empty = True
        try:
            with (
                self._lock,
                self._connection.execute(query.execution_options(stream_results=True)) as result,
            ):
                for chunk in encode(_fetch(result)):
                    is_empty = False
                    yield chunk
        except SQLAlchemyError as error:
            raise self._source.failed("Reading stopped", error, table.name) from None
        if is_empty and self._held_rows.get(name):
            raise rebuilt(self._source.name, table.name)

    def count_now(self, tables: Collection[Table]) -> dict[str, int]:
        with self._source.connect() as connection:
            there = self._source.tables(connection)
            contract = load_contract().tables
            changed = {name for name in {*there} ^ {*self._names} if name.lower() in contract}
            if changed:
                raise rebuilt(self._source.name, min(changed))
            names = {self._name(table): table.name for table in tables}
            return {
                names[name]: self._source.count(connection, name) for name in there if name in names
            }

    def _touch(self, name: str) -> bool:
        """Open a table within the transaction; return whether it holds a row."""
        query = sa.select(sa.literal(1)).select_from(sa.table(name, schema=self._source.schema))
        try:
            return self._connection.execute(query.limit(1)).first() is not None
        except SQLAlchemyError as error:
            raise self._source.failed("The table cannot be read", error, name) from None

    def _name(self, table: Table) -> str:
        """Return the source's own name for a table of the contract."""
        return next((name for name in self._names if name.lower() == table.name), table.name)


def _fetch(result: sa.CursorResult[*tuple[Any, ...]]) -> Iterator[Sequence[Row]]:
    """Yield batches of rows as the driver gives them.

    SQLAlchemy's own rows would double the time of a fast driver. Its strategy is still used: it
    knows what the driver has fetched already, and wraps its errors.
    """
    while rows := result.cursor_strategy.fetchmany(result, result.cursor, BATCH):
        yield rows


def encode(batches: Iterable[Sequence[Row]]) -> Iterator[bytes]:
    """Yield each batch of rows (none may be empty) in PostgreSQL's COPY text format.

    Dates and times become ISO text, and bytes PostgreSQL's hexadecimal form. NUL characters are
    left out, because PostgreSQL cannot store them.
    """
    mixed: set[int] = set()  # columns in which values other than text were seen
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
    else:  # SQLite allows several types in one column
        texts = chain.from_iterable(_texts([value], type(value)) for value in present)
    nulls = len(column) - len(present)
    return ([_NULL if v is None else next(texts) for v in column] if nulls else list(texts)), nulls


def _texts(values: Sequence[Any], kind: type) -> Iterable[str]:
    """Return values of one type as text."""
    if kind is str:
        return values
    if kind is dt.datetime:
        # not cached: equal instants in different zones have different texts
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
    return map(str, values)  # str() gives the shortest text of an int or a float


# A column's dates repeat. Making ISO text takes ten times as long as finding it in a cache.
_day: Final = lru_cache(1 << 14)(dt.date.isoformat)


@lru_cache(1 << 14)
def _moment(value: dt.datetime) -> str:
    return value.isoformat(" ")


def source(spec: SourceSpec) -> DatabaseSource:
    """Return the source that an entry of sources.yml describes."""
    return DatabaseSource(spec, resolve(spec))


KIND: Final = Kind(
    example="dialect+driver://user:password@host:port/database",
    handles=lambda url: ":" in url,
    source=source,
    at=DatabaseSource,
    is_general=True,
)
