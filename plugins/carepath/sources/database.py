"""A recording system in any other database that SQLAlchemy can read, streamed row by row.

One connection in one transaction reads the tables one after another, under the strictest isolation
that the database has for readers (`ISOLATION`). Before the first one is read, every table of the
contract is opened: MySQL and MariaDB then lock it, so that a rebuild waits. Oracle and SQL Server
refuse to read on from a table that was rebuilt. Any other database may not show one consistent
state. With every database, Carepath notices a table that had rows when it was opened and is empty
when it is read.

Only tables of the contract are opened and described. A view of the contract that is broken counts
as not delivered if it is optional, with a note. Anything else that cannot be opened stops the load.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from carepath.contract import Table, load_contract
from carepath.errors import SourceError
from carepath.sources import causes
from carepath.sources.address import Address, resolve, unreadable
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
from carepath.sources.notes import DeliveryNote
from carepath.sources.packed import FITS, encode_packed, packed
from carepath.sources.spec import SourceSpec

BATCH: Final = 2_000  # rows; about 200 kB
CONNECT: Final = 15  # seconds to wait for a connection
SILENCE: Final = 900  # seconds to wait for a server that says nothing, perhaps computing a view
PATIENCE: Final = 60  # seconds to wait for a table that another session has locked

# By SQLAlchemy's name of the dialect; SQL Server's needs ALLOW_SNAPSHOT_ISOLATION in the database.
ISOLATION: Final = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
    "mssql": "SNAPSHOT",
    "oracle": "SERIALIZABLE",
}

# The drivers that Carepath's extras install, for a URL or an Airflow connection that names none.
DRIVERS: Final = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "oracle": "oracle+oracledb",
    "mssql": "mssql+mssqlpython",
}

# Options of each driver that bound how long it waits. An option in the URL comes first.
_WAITS: Final[Mapping[str, Mapping[str, str]]] = {
    "pymysql": {"connect_timeout": "CONNECT", "read_timeout": "CONNECT"},
    "mysqldb": {"connect_timeout": "CONNECT", "read_timeout": "SILENCE"},
    "mysqlconnector": {"connection_timeout": "CONNECT"},
    "mariadbconnector": {"connect_timeout": "CONNECT"},
    "mssqlpython": {"timeout": "CONNECT"},  # of the log-in; it does not limit a query
    "pyodbc": {"timeout": "CONNECT"},
    "oracledb": {"tcp_connect_timeout": "CONNECT"},
    "pysqlite": {"timeout": "CONNECT"},
    "psycopg": {"connect_timeout": "CONNECT"},
    "psycopg2": {"connect_timeout": "CONNECT"},
}

# Drivers that end a log-in themselves if the server takes the connection and then says nothing.
_LIMITED: Final = frozenset({"pymysql", "mssqlpython", "pyodbc", "psycopg", "psycopg2", "pysqlite"})

# What a session begins with: how long it waits for locks, and the zone of instants.
_MYSQL: Final = (
    f"set session lock_wait_timeout = {PATIENCE}",
    "set session net_write_timeout = 7200",  # the warehouse may be slower than the source
    "set time_zone = '+00:00'",  # a TIMESTAMP arrives in UTC; see `_in_london`
    # without it, the server lets go of a MyISAM table at the end of each statement
    "start transaction read only",
)
SESSION: Final[Mapping[str, Sequence[str]]] = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": (f"set lock_timeout {PATIENCE}000",),
    "oracle": ("alter session set time_zone = 'Europe/London'",),
}

# Other names for tables, which SQLAlchemy does not list; `schema` is the source's schema or null.
SYNONYMS: Final[Mapping[str, str]] = {
    "mssql": "select name from sys.synonyms"
    " where schema_id = coalesce(schema_id(:schema), schema_id())",
    "oracle": "select lower(synonym_name) from all_synonyms"
    " where owner in (coalesce(upper(:schema), user), 'PUBLIC')",
}

LONDON: Final = ZoneInfo("Europe/London")

Row = Sequence[Any]

# Control characters that mark a null and, in a batch whose values hold tabs or line breaks, divide
# fields and rows. A batch that contains them itself is encoded value by value.
_FIELD, _ROW, _NULL = "\x1f", "\x1e", "\x1d"
_ESCAPES: Final = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\x00", ""))


class DatabaseSource:
    """Any database with a SQLAlchemy dialect; see `carepath.sources.Source`."""

    def __init__(self, spec: SourceSpec, address: Address) -> None:
        self.name, self.authority, self.schema = spec.name, spec.authority, spec.schema
        self.spelling, self.is_partial = spec.spelling, spec.is_partial
        url = address.url
        if url.drivername == "mssql" and "driver" in url.query:
            url = url.set(drivername="mssql+pyodbc")  # it names a driver of the system
        url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
        try:
            driver = url.get_dialect().driver
            if driver == "pymysql" and "ssl_ca" in url.query:
                # both are checked with `ssl_ca`; given as well, they would replace it
                url = url.difference_update_query(["ssl_verify_cert", "ssl_verify_identity"])
            options: dict[str, Any] = {"conv": _without_dates()} if driver == "pymysql" else {}
            options |= {
                option: globals()[seconds]
                for option, seconds in _WAITS.get(driver, {}).items()
                if option not in url.query
            }
            self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
            if driver == "pymysql" and "read_timeout" in options:
                sa.event.listen(self._engine, "connect", _be_patient)
            if driver == "oracledb":
                sa.event.listen(self._engine, "connect", _limit_silence)
        except (NoSuchModuleError, ImportError) as error:
            raise SourceError(
                "The URL of the source cannot be used, because a driver is not installed: "
                f"{address.hide(str(error))}.",
                where=f"source {spec.name}",
                todo="Install the driver in Carepath's environment (docs/sources.md), or correct "
                "the beginning of the URL (dialect+driver).",
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

    def reach(self) -> None:
        """Connect and close again.

        Raises:
            SourceError: the source cannot be reached.
        """
        with self.connect():
            pass

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """Open a connection and close it in the end, without a commit."""
        if self.kind == "sqlite":
            self._require_file()
        try:
            connection = self._connected()
        except Exception as error:  # SQLAlchemy does not wrap all that a driver raises here
            raise self.failed("The source cannot be reached", error) from None
        try:
            yield connection
        finally:
            with suppress(Exception):  # it may be closed already, by the other side
                connection.close()

    def _connected(self) -> sa.Connection:
        """Log in, or give up after a while, also where the driver itself would wait for ever."""
        if self._engine.driver in _LIMITED:
            return self._engine.connect()
        future: Future[sa.Connection] = Future()

        def log_in() -> None:
            try:
                connection = self._engine.connect()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(connection)

        threading.Thread(target=log_in, daemon=True).start()
        try:
            return future.result(timeout=2 * CONNECT)
        except TimeoutError:
            future.add_done_callback(_close_late)
            raise

    def tables(self, connection: sa.Connection) -> list[str]:
        """Return the source's tables, views and synonyms with a prefix of the contract."""
        try:
            inspector = sa.inspect(connection)
            names = {
                *inspector.get_table_names(self.schema), *inspector.get_view_names(self.schema)
            }  # fmt: skip
            with suppress(NotImplementedError):
                names.update(inspector.get_materialized_view_names(self.schema))
            if self.kind in SYNONYMS:
                query = sa.text(SYNONYMS[self.kind])
                names.update(connection.execute(query, {"schema": self.schema}).scalars())
        except Exception as error:  # a driver may raise errors of its own
            raise self.failed("The tables of the source cannot be listed", error) from None
        ours = sorted(name for name in names if name.lower().startswith(("ssd_", "local_")))
        refuse_namesakes(self.name, ours)
        return ours

    def columns(self, connection: sa.Connection, name: str) -> list[SourceColumn]:
        """Return a table's columns and their types, by the source's own names."""
        if self.kind in ("mysql", "mariadb"):
            # SHOW CREATE, which SQLAlchemy uses, needs more rights on a view than SELECT
            query = sa.text(
                "select column_name, column_type from information_schema.columns where"
                " table_schema = coalesce(:schema, database()) and table_name = :name"
                " order by ordinal_position"
            )
            rows = connection.execute(query, {"schema": self.schema, "name": name}).all()
            found = [SourceColumn(str(column), str(kind)) for column, kind in rows]
        else:
            ways = {"oracle_resolve_synonyms": True} if self.kind == "oracle" else {}
            try:
                inspected = sa.inspect(connection).get_columns(name, self.schema, **ways)
            except SQLAlchemyError:
                inspected = []  # such as a synonym
            found = [SourceColumn(str(c["name"]), _type_name(c["type"])) for c in inspected]
        if found:
            return found
        everything = sa.select(sa.text("*")).select_from(sa.table(name, schema=self.schema))
        with connection.execute(everything.where(sa.text("1 = 0"))) as result:
            return [SourceColumn(column, "") for column in result.keys()]  # noqa: SIM118 - no dict

    def count(self, connection: sa.Connection, name: str) -> int:
        """Return how many rows a table holds."""
        query = sa.select(sa.func.count()).select_from(sa.table(name, schema=self.schema))
        try:
            return int(connection.execute(query).scalar_one())
        except Exception as error:  # a driver may raise errors of its own
            raise self.failed("Reading stopped", error, name) from None

    def failed(self, what: str, error: BaseException, table: str = "") -> SourceError:
        """Return the error to raise. It leaves out the driver's message, which may quote values."""
        return failure(what, causes.cause_of(error), self.name, table)

    def _begin(self, connection: sa.Connection) -> None:
        level = ISOLATION.get(self.kind)
        try:
            if level is not None:
                connection.execution_options(isolation_level=level)
            elif self.kind == "sqlite":
                connection.exec_driver_sql("pragma query_only = on")
                # Python's driver begins no transaction before a SELECT
                connection.exec_driver_sql("begin")
            for statement in SESSION.get(self.kind, ()):
                connection.exec_driver_sql(statement)
            if not connection.in_transaction():
                connection.begin()
        except Exception as error:  # a driver may raise errors of its own
            raise self.failed("The source cannot show one consistent state", error) from None

    def _require_file(self) -> None:
        """Refuse a file that does not exist: SQLite would make an empty one."""
        name = self._engine.url.database
        if name and not name.startswith(("file:", ":")) and not Path(name).is_file():
            raise SourceError(
                f"The source cannot be reached: {causes.FILE}",
                where=f"source {self.name}",
                todo=causes.FILE.todo,
            )


class _DatabaseSession:
    period: str | None = None
    accumulates: Accumulates = REPLACES_ALL
    is_partial: bool = False
    parallel: int | None = 1

    def __init__(self, source: DatabaseSource, connection: sa.Connection) -> None:
        self._source, self._connection = source, connection
        self._lock = threading.Lock()
        self._names = source.tables(connection)
        contract = load_contract().tables
        self._held_rows: dict[str, bool] = {}
        self._described: dict[str, list[SourceColumn]] = {name: [] for name in self._names}
        self._broken: dict[str, SourceError] = {}
        denied: dict[str, DeniedError] = {}
        for name in self._names:
            if found := contract.get(name.lower()):
                try:
                    self._open(name, required=found.required and not source.is_partial)
                except DeniedError as error:
                    denied[name] = error
                except SourceError:
                    if not denied:
                        raise
        if denied:
            # name the columns of other tables as well, before a right is asked for
            others = {
                name: asked_for(contract[name.lower()], columns, source.spelling)
                for name, columns in self._described.items()
                if columns and name not in denied
            }
            denied |= denied_among(self._ask, others)
        refuse_denied(source.name, denied)

    def describe(self) -> dict[str, list[SourceColumn]]:
        return self._described

    def notes(self) -> list[DeliveryNote]:
        """Return the views that are broken and therefore count as not delivered."""
        return [
            DeliveryNote(name, 0, "", f"{error.what}. {error.todo}")
            for name, error in self._broken.items()
        ]

    def stream(self, table: Table, columns: Sequence[str | None]) -> Iterator[bytes]:
        name = self._name(table)
        is_empty = True
        try:
            with self._lock:
                query, encoded = self._query(table, name, columns)
                query = query.select_from(sa.table(name, schema=self._source.schema))
                streaming = query.execution_options(stream_results=True)
                with self._connection.execute(streaming) as result:
                    for chunk in encoded(_fetch(result)):
                        is_empty = False
                        yield chunk
        except Exception as error:  # a driver may raise errors of its own
            raise self._source.failed("Reading stopped", error, table.name) from None
        if is_empty and self._held_rows.get(name):
            raise rebuilt(self._source.name, table.name)

    def require_readable(self, table: Table, columns: Sequence[str]) -> None:
        self._ask(self._name(table), columns)

    def _ask(self, name: str, columns: Sequence[str]) -> None:
        query: Any = sa.select(*[sa.column(column) for column in columns]).select_from(
            sa.table(name, schema=self._source.schema)
        )
        try:
            self._connection.execute(query.where(sa.text("1 = 0"))).close()
        except Exception as error:  # a driver may raise errors of its own
            raise self._source.failed("The table cannot be read", error, name) from None

    def count_now(self, tables: Collection[Table]) -> dict[str, int]:
        with self._source.connect() as connection:
            there = self._source.tables(connection)
            contract = load_contract().tables
            changed = {name for name in {*there} ^ {*self._names} if name.lower() in contract}
            if changed:
                raise rebuilt(self._source.name, min(changed))
            names = {self._name(table): table.name for table in tables}
            for name in self._broken.keys() & names.keys():
                raise self._broken[name]  # it had rows before: they are not gone
            return {
                names[name]: self._source.count(connection, name) for name in there if name in names
            }

    def _open(self, name: str, *, required: bool) -> None:
        """Open a table within the transaction, see whether it holds a row, and describe it."""
        query = sa.select(sa.literal(1)).select_from(sa.table(name, schema=self._source.schema))
        try:
            self._held_rows[name] = self._connection.execute(query.limit(1)).first() is not None
            self._described[name] = self._source.columns(self._connection, name)
        except Exception as error:  # a driver may raise errors of its own
            failed = self._source.failed("The table cannot be read", error, name)
            if required or causes.cause_of(error).words != causes.BROKEN.words:
                raise failed from None
            self._broken[name] = failed

    def _query(
        self, table: Table, name: str, columns: Sequence[str | None]
    ) -> tuple[sa.Select[Any], Callable[[Iterable[Sequence[Row]]], Iterator[bytes]]]:
        """Return how to ask for columns of a table, and how to encode what then arrives."""
        kind = self._source.kind
        types = {column.name: column.type for column in self._described.get(name, ())}
        wanted = sent_types(table, self._source.spelling)
        asked = [
            None if column is None
            else (column, types.get(column, ""), wanted.get(column.lower(), ""))
            for column in columns
        ]  # fmt: skip
        record = packed(asked) if kind in ("mysql", "mariadb") else None
        of = {"schema": self._source.schema, "name": name}
        if record is not None and self._connection.execute(FITS, of).scalar_one():
            return sa.select(record), encode_packed
        selection = [
            sa.null().label(f"absent_{n}") if column is None else selected(*column[:2], kind)
            for n, column in enumerate(asked)
        ]
        forms = {
            n: form
            for n, column in enumerate(asked)
            if column is not None and (form := form_of(*column[1:], kind))
        }
        return sa.select(*selection), partial(encode, forms=forms)

    def _name(self, table: Table) -> str:
        """Return the source's own name for a table of the contract."""
        return next((name for name in self._names if name.lower() == table.name), table.name)


def _be_patient(connection: Any, _: object) -> None:
    """Let a server be silent for longer once it has let the account in.

    PyMySQL has one limit for both. A host that only accepts connections is noticed by the shorter.
    """
    connection._read_timeout = SILENCE


def _without_dates() -> dict[Any, Any]:
    """Return how PyMySQL reads values: dates as the text that the server sends.

    Making dates of them, and text again, nearly doubled the time of a table.
    """
    from pymysql.constants import FIELD_TYPE  # type: ignore[import-untyped]
    from pymysql.converters import conversions  # type: ignore[import-untyped]

    dates = {FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP}
    return {kind: read for kind, read in conversions.items() if kind not in dates}


def _limit_silence(connection: Any, _: object) -> None:
    """Limit how long Oracle may say nothing, in milliseconds."""
    connection.call_timeout = 1000 * SILENCE


def _close_late(future: Future[sa.Connection]) -> None:
    """Close a connection that was made after nobody waited for it."""
    if future.exception() is None:
        future.result().close()


def selected(column: str, sent: str, database: str) -> sa.ColumnElement[Any]:
    """Return how to ask for a column.

    It has no type, so that SQLAlchemy passes on the driver's values as they are. Oracle's driver
    drops the zone of an instant, so the database itself turns it into the time in England.

    Args:
        column: the source's own name of it.
        sent: the source's name for its type.
        database: the source's dialect.
    """
    found: sa.ColumnElement[Any] = sa.column(column)
    if database == "oracle" and sent == "TIMESTAMP WITH TIME ZONE":
        london = found.op("at time zone")(sa.literal_column("'Europe/London'"))
        return sa.cast(london, sa.TIMESTAMP()).label(column)
    return found


def _fetch(result: sa.CursorResult[*tuple[Any, ...]]) -> Iterator[Sequence[Row]]:
    """Yield batches of rows as the driver gives them.

    SQLAlchemy's own rows would double the time of a fast driver. Its strategy is still used: it
    knows what the driver has fetched already, and wraps its errors.
    """
    while rows := result.cursor_strategy.fetchmany(result, result.cursor, BATCH):
        yield rows


def _type_name(kind: Any) -> str:
    """Return the name of a SQLAlchemy type; blank if it does not know the type."""
    if isinstance(kind, sa.types.NullType):
        return ""
    if isinstance(kind, sa.TIMESTAMP) and kind.timezone:
        return "TIMESTAMP WITH TIME ZONE"
    return str(kind)


def form_of(sent: str, wanted: str, database: str) -> Form | None:
    """Return how to change a column's values before they are sent, or None.

    Args:
        sent: the source's name for the column's type.
        wanted: the contract's type.
        database: the source's dialect.
    """
    kind = sent.lower()
    if kind.startswith("bit") and database in ("mysql", "mariadb"):
        return _bits
    if kind.startswith("timestamp") and database in ("mysql", "mariadb"):
        return _in_london
    if kind.startswith("datetime(") and database in ("mysql", "mariadb"):
        return _short_fraction
    if kind == "uniqueidentifier":
        return _upper
    if wanted in WHOLE | {"flag"} and not _PLAIN.match(kind):
        return _flag if wanted == "flag" else _whole
    return _unpadded if _PADDED.match(kind) else None


# types of which values are sent as they are, and types that a database fills up with blanks
_PLAIN: Final = re.compile(r"n?varchar|character varying|\w*text|n?clob|bool|\w*int|date")
_PADDED: Final = re.compile(r"n?char\b|character\b(?! varying)")


def _bits(value: Any) -> Any:
    """A BIT of MySQL: its bytes are a number."""
    return str(int.from_bytes(value, "big")) if isinstance(value, bytes) else value


def _flag(value: Any) -> Any:
    """A flag that arrives as one byte: 0 or 1. Other bytes stay as they are."""
    if isinstance(value, bytes | bytearray | memoryview) and bytes(value) in (b"\0", b"\1"):
        return str(bytes(value)[0])
    return _unpadded(value)


def _whole(value: Any) -> Any:
    """An id, code or whole number that arrives as a float or a decimal: without a fraction of 0.

    A float beyond 2^53 has lost digits. It stays as it is, so that it is seen.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == int(value) else format(value, "f").rstrip("0")
    return _unpadded(value)


def _unpadded(value: Any) -> Any:
    """A text of fixed length, which the database fills up with blanks."""
    return value.rstrip(" ") if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    """A UNIQUEIDENTIFIER, as SQL Server writes it: one driver gives a text and one a UUID."""
    return value if value is None else str(value).upper()


def _in_london(value: Any) -> Any:
    """A TIMESTAMP of MySQL, which arrives in UTC: the same instant in England."""
    if isinstance(value, str):
        with suppress(ValueError):  # a zero date stays as it is
            value = dt.datetime.fromisoformat(value)
    return value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) else value


def _short_fraction(value: Any) -> Any:
    """A DATETIME of MySQL with parts of a second, without zeros at their end."""
    return value.rstrip("0").rstrip(".") if isinstance(value, str) and "." in value else value


_EXACT: Final = 1 << 53
Form = Callable[[Any], Any]


def encode(
    batches: Iterable[Sequence[Row]], forms: Mapping[int, Form] | None = None
) -> Iterator[bytes]:
    """Yield each batch of rows (none may be empty) in PostgreSQL's COPY text format.

    Dates and times become ISO text, and bytes PostgreSQL's hexadecimal form. Instants with a zone
    become England's time, because they belong to the day in England. NUL characters are left out,
    because PostgreSQL cannot store them.

    Args:
        batches: the rows, as a driver gives them.
        forms: changes values first, by the column's position.
    """
    mixed: set[int] = set()  # columns in which values other than text were seen
    for rows in batches:
        if forms:
            columns = list(zip(*rows, strict=True))
            for n, form in forms.items():
                columns[n] = tuple(map(form, columns[n]))
            rows = list(zip(*columns, strict=True))
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
        # equal instants in different zones are one key of a cache, and have one text
        return map(_moment, values)
    if kind is dt.date:
        return map(_day, values)
    if kind is bool:
        return ["t" if value else "f" for value in values]
    if kind is float:
        return map(_number, values)
    if issubclass(kind, Decimal):
        return [
            text if "E" not in text else format(Decimal(text), "f") for text in map(str, values)
        ]
    if issubclass(kind, bytes | bytearray | memoryview):
        return ["\\x" + bytes(value).hex() for value in values]
    if issubclass(kind, dict | list):  # a JSON column, which some drivers read
        return [json.dumps(value, ensure_ascii=False, default=str) for value in values]
    return map(str, values)


def _number(value: float) -> str:
    """Return a float as PostgreSQL writes it."""
    text = repr(value)
    return _BEYOND.get(text) or text.removesuffix(".0")


_BEYOND: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}

# A column's dates repeat. Making ISO text takes ten times as long as finding it in a cache.
_day: Final = lru_cache(1 << 14)(dt.date.isoformat)


@lru_cache(1 << 14)
def _moment(value: dt.datetime) -> str:
    """Return a date and time as PostgreSQL writes it; one with a zone in England's time."""
    if value.tzinfo is not None:
        # the first and the last day of the calendar have no time in another zone
        with suppress(OverflowError):
            value = value.astimezone(LONDON)
    text = value.isoformat(" ")
    if value.microsecond:
        head, _, tail = text.partition(".")
        text = f"{head}.{tail[:6].rstrip('0')}{tail[6:]}"
    return text.removesuffix(":00") if value.tzinfo is not None else text


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
