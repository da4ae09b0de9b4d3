"""What every kind of database source keeps: the same values, the same refusals, the same words."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import threading
import traceback
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from socket import socket
from typing import Any

import certificates
import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from mariadb_server import MISSING, MariaDB, mysql_program, program
from psycopg import sql
from small_recording_system import TABLES, warehouse_rows
from sqlalchemy.engine import make_url

from carepath.contract import load_contract
from carepath.doctor import compare_spec
from carepath.errors import CarepathError, SourceError
from carepath.landing import load_source
from carepath.sources import SourceSpec, database, open_source, postgres
from carepath.sources.address import address
from carepath.sources.causes import cause_of
from carepath.sources.database import DatabaseSource, encode, form_of
from carepath.sources.packed import packed
from carepath.warehouse.connect import connect, url
from carepath.warehouse.passwords import ADMINISTRATOR

CONTRACT = load_contract().tables
NIGHT = dt.date(2017, 11, 30)
SECRET = "Winter@Hush2025"

# a column of the contract of each type
COLUMNS = {
    "id": ("ssd_contacts", "cont_person_id"),
    "date": ("ssd_contacts", "cont_contact_date"),
    "code": ("ssd_contacts", "cont_contact_source_code"),
    "text": ("ssd_contacts", "cont_contact_source_desc"),
    "json": ("ssd_contacts", "cont_contact_outcome_json"),
    "flag": ("ssd_cin_visits", "cinv_cin_visit_seen"),
    "number": ("local_placement_costs", "lpco_weekly_cost"),
    "integer": ("local_practice_observations", "lpob_score"),
}
# of what a column of this type holds, what arrives: (contract's type, SQL type, SQL, text)
Value = tuple[str, str, str, str | None]
TEXTS: list[tuple[str, str]] = [
    ("no blank lost ", "no blank lost "),
    ("non-breaking\u00a0", "non-breaking\u00a0"),
    ("wide\u3000\ufeff\u200b", "wide\u3000\ufeff\u200b"),
    ("tab\tline\nreturn\r\\N", "tab\tline\nreturn\r\\N"),
    ("\U0001f468\u200d\U0001f469 caf\u00e9 \u0141", "\U0001f468\u200d\U0001f469 caf\u00e9 \u0141"),
    ("\x1d\x1e\x1f", "\x1d\x1e\x1f"),
    ("", ""),
    ('{"NFA": "Y', '{"NFA": "Y'),
    ("NULL", "NULL"),
]
# 23:30 UTC on two days is the next day in England in summer only
SUMMER, WINTER = "2017-07-01 00:30:00+01", "2017-12-31 23:30:00+00"


class Kind(ABC):
    """A kind of database: a schema of its own that a test fills and a source reads."""

    name: str
    authority: str
    values: Sequence[Value]

    def __init__(self, place: Any) -> None:
        self.place = place

    @abstractmethod
    def run(self, *statements: str) -> None:
        """Run statements as the owner, in the schema."""

    @abstractmethod
    def fresh(self) -> None:
        """Remove all that the schema holds, and let the reader read what is made in it."""

    @abstractmethod
    def address(self, **parts: Any) -> str:
        """Return the address for the reader; `parts` replaces parts of it."""

    schema: str | None = None

    @property
    def spec(self) -> SourceSpec:
        return SourceSpec(
            name=f"conformance-{type(self).__name__.lower()}",
            authority=self.authority,
            authority_name="Invented",
            url=self.address(),
            schema=self.schema,
            is_partial=True,
        )

    def insert(self, table: str, column: str, value: str) -> None:
        """Insert one text."""
        quoted = value.replace("'", "''")
        self.run(f"insert into {table} ({column}) values ('{quoted}')")

    def read(self, table: str, *columns: str) -> list[tuple[str | None, ...]]:
        """Return what a night reads, as PostgreSQL takes it, in order of arrival."""
        with open_source(self.spec).open() as session:
            sent = b"".join(session.stream(CONTRACT[table], columns))
        return landed(sent, len(columns))


def landed(sent: bytes, width: int) -> list[tuple[str | None, ...]]:
    """Copy COPY text into a real PostgreSQL, and read it back."""
    names = [f"c{n}" for n in range(width)]
    with connect("recording_system", "recording_system") as connection:
        listed = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in names)
        connection.execute(sql.SQL("create temporary table landed (n serial, {})").format(listed))
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("copy landed ({}) from stdin").format(columns)) as copy,
        ):
            copy.write(sent)
        query = sql.SQL("select {} from landed order by n").format(columns)
        return connection.execute(query).fetchall()


class Postgres(Kind):
    name, schema = "postgresql", "order"  # a reserved word
    authority = "E09810000"
    values = (
        ("id", "bigint", "398768", "398768"),
        ("id", "numeric(9,2)", "398768", "398768"),
        ("id", "numeric", "398768.50", "398768.5"),
        ("id", "double precision", "398768", "398768"),
        ("id", "double precision", "1e20", "1e+20"),
        ("id", "character(10)", "'P1'", "P1"),
        ("id", "bytea", r"'\x00ff'", r"\x00ff"),
        ("id", "uuid", "'0E37DF36-F698-11E6-8DD4-CB9CED3DF976'",
         "0e37df36-f698-11e6-8dd4-cb9ced3df976"),
        ("code", "numeric(4,1)", "7", "7"),
        ("date", "date", "'1897-02-03'", "1897-02-03"),
        ("date", "date", "'2199-12-31'", "2199-12-31"),
        ("date", "date", "'infinity'", "infinity"),
        ("date", "timestamp", "'2017-05-01 09:30:00.5'", "2017-05-01 09:30:00.5"),
        ("date", "timestamptz", "'2017-06-30 23:30:00Z'", SUMMER),
        ("date", "timestamptz", "'2017-12-31 23:30:00Z'", WINTER),
        ("flag", "boolean", "true", "t"),
        ("flag", "bit(1)", "b'0'", "0"),
        ("flag", "character(3)", "'Y'", "Y"),
        ("integer", "numeric(6,2)", "12", "12"),
        ("integer", "numeric(6,2)", "12.50", "12.5"),
        ("number", "numeric(12,2)", "0.10", "0.10"),
        ("number", "numeric", "'NaN'", "NaN"),
        ("number", "double precision", "'-Infinity'", "-Infinity"),
        ("number", "real", "0.1", "0.1"),
        ("text", "text", "null", None),
        ("json", "jsonb", """'{"NFA": "Y"}'""", '{"NFA": "Y"}'),
    )  # fmt: skip

    def run(self, *statements: str) -> None:
        with connect("recording_system", "recording_system") as connection:
            connection.execute('set search_path = "order"')
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def fresh(self) -> None:
        self.run(
            'drop schema if exists "order" cascade', 'create schema "order"',
            'grant usage on schema "order" to recording_reader',
            'alter default privileges for role recording_system in schema "order"'
            " grant select on tables to recording_reader",
        )  # fmt: skip

    def address(self, **parts: Any) -> str:
        here = make_url(url("recording_reader", "recording_system", driver=""))
        return here.set(**parts).render_as_string(hide_password=False)


class Maria(Kind):
    name, schema = "mariadb", "order"
    authority = "E09810007"
    place: MariaDB
    bigint, own_types = "bigint(20) unsigned", ("uuid", "longtext")  # as it names them
    values = (
        ("id", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("id", "decimal(9,0)", "398768", "398768"),
        ("id", "decimal(9,2)", "398768", "398768"),
        ("id", "double", "398768", "398768"),
        ("id", "double", "12.5", "12.5"),
        ("id", "double", "1e20", "1e+20"),
        ("id", "char(10)", "'P1'", "P1"),
        ("id", "binary(2)", "x'00ff'", r"\x00ff"),
        ("id", "uuid", "'0E37DF36-F698-11E6-8DD4-CB9CED3DF976'",
         "0e37df36-f698-11e6-8dd4-cb9ced3df976"),
        ("code", "decimal(4,1)", "7", "7"),
        ("date", "date", "'1897-02-03'", "1897-02-03"),
        ("date", "date", "'2199-12-31'", "2199-12-31"),
        ("date", "date", "'0000-00-00'", "0000-00-00"),
        ("date", "datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("date", "datetime(6)", "'2017-05-01 09:30:00.5'", "2017-05-01 09:30:00.5"),
        ("date", "datetime(3)", "'2017-05-01 09:30:00'", "2017-05-01 09:30:00"),
        ("date", "timestamp null", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("date", "timestamp(3) null", "'2017-06-30 18:30:00.5'", "2017-07-01 00:30:00.5+01"),
        ("date", "timestamp null", "'2017-06-30 18:30:00'", SUMMER),  # at -05:00
        ("date", "timestamp null", "'2017-12-31 18:30:00'", WINTER),
        ("flag", "bit(1)", "b'1'", "1"),
        ("flag", "bit(1)", "b'0'", "0"),
        ("flag", "bit(8)", "b'10'", "2"),
        ("flag", "boolean", "true", "1"),
        ("flag", "binary(1)", "x'01'", "1"),
        ("flag", "char(3)", "'Y'", "Y"),
        ("flag", "enum('Y','N')", "'N'", "N"),
        ("integer", "decimal(6,2)", "12", "12"),
        ("integer", "decimal(6,2)", "12.50", "12.5"),
        ("number", "decimal(12,2)", "0.10", "0.10"),
        ("number", "double", "0.1", "0.1"),
        ("text", "varchar(9) character set latin1", "'caf\u00e9'", "caf\u00e9"),
        ("text", "varchar(9)", "concat('a', char(0), 'b')", "ab"),
        ("text", "time", "'09:30'", "9:30:00"),
        ("text", "text", "null", None),
        ("json", "json", """'{"NFA": "Y"}'""", '{"NFA": "Y"}'),
    )  # fmt: skip

    def run(self, *statements: str) -> None:
        self.place.run(["set sql_mode = ''", "use `order`", *statements])

    def fresh(self) -> None:
        self.place.run(
            [
                "drop database if exists `order`",
                "create database `order` character set utf8mb4",
                "drop user if exists reader@'127.0.0.1'",
                "create user reader@'127.0.0.1' identified by 'pw'",
                "grant select on `order`.* to reader@'127.0.0.1'",
            ]
        )

    def address(self, **parts: Any) -> str:
        here = make_url(self.place.url("order"))
        return here.set(**parts).render_as_string(hide_password=False)

    def insert(self, table: str, column: str, value: str) -> None:
        super().insert(table, column, value.replace("\\", "\\\\"))


class MySQL(Maria):
    """The same types without `uuid`, which MySQL does not have."""

    values = tuple(value for value in Maria.values if value[1] != "uuid")
    bigint, own_types = "bigint unsigned", ("json",)
    authority = "E09810001"


class SQLite(Kind):
    name, authority = "sqlite", "E09810006"
    place: Path
    values = (
        ("id", "", "398768", "398768"),
        ("id", "", "398768.0", "398768"),
        ("id", "real", "398768", "398768"),
        ("id", "", "12.5", "12.5"),
        ("id", "", "1e20", "1e+20"),
        ("id", "", "x'00ff'", r"\x00ff"),
        ("id", "char(10)", "'P1   '", "P1"),
        ("code", "numeric(4,1)", "7.0", "7"),
        ("date", "date", "'1897-02-03'", "1897-02-03"),
        ("date", "datetime", "'2017-05-01 09:30:00.5'", "2017-05-01 09:30:00.5"),
        ("flag", "bit", "1", "1"),
        ("flag", "", "x'01'", "1"),
        ("flag", "", "x'07'", r"\x07"),
        ("integer", "decimal(6,2)", "12.0", "12"),
        ("number", "real", "0.1", "0.1"),
        ("number", "real", "9e999", "Infinity"),
        ("text", "text", "null", None),
        ("text", "text", "'a' || char(0) || 'b'", "ab"),
        ("text", "", "1", "1"),
    )

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.place, timeout=0.1)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def fresh(self) -> None:
        self.place.unlink(missing_ok=True)
        self.run()

    def address(self, **parts: Any) -> str:
        return f"sqlite:///{parts.get('database', self.place)}"


@pytest.fixture(
    scope="module",
    params=[
        Postgres,
        pytest.param(Maria, marks=pytest.mark.skipif(program() is None, reason=MISSING)),
        SQLite,
        *([MySQL] if mysql_program() else []),
    ],
    ids=lambda kind: kind.__name__.lower(),
)
def place(
    warehouse: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Kind:
    kind: type[Kind] = request.param
    if kind is Postgres:
        with connect("recording_system", "recording_system"):
            return Postgres(None)
    if kind is Maria:
        return Maria(request.getfixturevalue("mariadb"))
    if kind is MySQL:
        return MySQL(request.getfixturevalue("mysql"))
    return SQLite(tmp_path_factory.mktemp("sqlite") / "cases.db")


@pytest.fixture(
    params=["mariadb", *(["mysql"] if mysql_program() else [])],
)
def maria(warehouse: None, request: pytest.FixtureRequest) -> Maria:
    """MariaDB, and MySQL if there is one, each with an empty schema."""
    server = request.getfixturevalue(request.param)
    found = (Maria if request.param == "mariadb" else MySQL)(server)
    found.fresh()
    return found


@pytest.fixture
def kind(place: Kind) -> Kind:
    """The kind of database, with an empty schema."""
    place.fresh()
    return place


def fill(kind: Kind, rows: int = 30) -> None:
    """Make the tables of a small recording system, with some care leavers and contacts."""
    kind.run(
        *(f"create table {name} ({columns})" for name, columns in TABLES.items()),
        *(
            f"insert into ssd_care_leavers (clea_person_id) values ('P{n}')"
            for n in range(min(rows, 30))
        ),
        "insert into ssd_contacts (cont_contact_id, cont_person_id) values "
        + ", ".join(f"('C{n}', 'P{n}')" for n in range(rows)),
    )


# --- values


def test_values_at_their_edges_arrive_as_they_are_meant(kind: Kind) -> None:
    for values in rounds(kind.values):
        prepare(kind, values)
        with open_source(kind.spec).open() as session:
            for value in values:
                assert arrived(session, value) == value


def rounds(values: Sequence[Value]) -> Iterator[list[Value]]:
    """Yield the values in groups of which each has at most one value per type of the contract."""
    waiting = list(values)
    while waiting:
        first = {value[0]: value for value in reversed(waiting)}
        yield [*first.values()]
        waiting = [value for value in waiting if value not in first.values()]


def prepare(kind: Kind, values: Sequence[Value]) -> None:
    """Make the tables of the values, with one row each."""
    tables: dict[str, list[Value]] = {}
    for value in values:
        tables.setdefault(COLUMNS[value[0]][0], []).append(value)
    for name, there in tables.items():
        columns = ", ".join(f"{COLUMNS[wanted][1]} {sent}" for wanted, sent, _, _ in there)
        literals = ", ".join(literal for _, _, literal, _ in there)
        kind.run(
            f"drop table if exists {name}", f"create table {name} ({columns})",
            f"insert into {name} values ({literals})",
        )  # fmt: skip


def arrived(session: Any, value: Value) -> Value:
    """Return a value with the text that arrives."""
    table, column = COLUMNS[value[0]]
    ((text,),) = landed(b"".join(session.stream(CONTRACT[table], [column])), 1)
    return (*value[:3], text)


def test_texts_of_every_kind_arrive_without_a_change(kind: Kind) -> None:
    kind.run("create table ssd_contacts (cont_contact_source_desc text)")
    for sent, _ in TEXTS:
        kind.insert("ssd_contacts", "cont_contact_source_desc", sent)
    found = kind.read("ssd_contacts", "cont_contact_source_desc")
    assert sorted(text for (text,) in found if text is not None) == sorted(t for _, t in TEXTS)


def test_mariadb_makes_the_same_texts_of_a_record_as_carepath(
    maria: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, bool] = {}

    def read(values: Sequence[Value], *, in_one: bool) -> list[bytes]:
        def choose(columns: Any) -> Any:
            record = packed(columns)
            asked[columns[0][1]] = record is not None
            return record if in_one else None

        monkeypatch.setattr(database, "packed", choose)
        with open_source(maria.spec).open() as session:
            return [
                b"".join(session.stream(CONTRACT[table], [column, None, column]))
                for table, column in (COLUMNS[value[0]] for value in values)
            ]

    for values in rounds(maria.values):
        maria.fresh()
        prepare(maria, values)
        assert read(values, in_one=True) == read(values, in_one=False)
    by_python = {kind for kind, by_server in asked.items() if not by_server}
    assert by_python == {
        "double", "binary(2)", "binary(1)", "timestamp", "timestamp(3)", "time", *maria.own_types
    }  # fmt: skip
    assert {maria.bigint, "decimal(9,2)", "char(3)", "bit(8)", "datetime(6)",
            "enum('Y','N')", "text"} <= asked.keys() - by_python  # fmt: skip

    texts: list[Value] = [("text", "text", "", None)]
    maria.fresh()
    maria.run("create table ssd_contacts (cont_contact_source_desc text)")
    maria.run("insert into ssd_contacts values (null)")
    for sent, _ in TEXTS:
        maria.insert("ssd_contacts", "cont_contact_source_desc", sent)
    assert read(texts, in_one=True) == read(texts, in_one=False)


def test_record_that_the_server_could_not_put_together_is_read_field_by_field(maria: Maria) -> None:
    maria.run(
        "create table ssd_contacts (cont_contact_id text, cont_contact_source_desc text)",
        "insert into ssd_contacts values (repeat('x', 60000), repeat('y', 60000))",
    )
    ((before,),) = maria.place.run(["select @@global.max_allowed_packet"])
    maria.run("set global max_allowed_packet = 65536")
    try:
        found = maria.read("ssd_contacts", "cont_contact_id", "cont_contact_source_desc")
    finally:
        maria.run(f"set global max_allowed_packet = {before}")
    assert found == [("x" * 60_000, "y" * 60_000)]


def test_text_of_ten_megabytes_arrives_whole(kind: Kind) -> None:
    long_text = {"mariadb": "longtext"}.get(kind.name, "text")
    whole = {"sqlite": "replace(hex(zeroblob(5000000)), '0', 'x')"}.get(
        kind.name, "repeat('x', 10000000)"
    )
    kind.run(
        f"create table ssd_contacts (cont_contact_source_desc {long_text})",
        f"insert into ssd_contacts values ({whole})",
    )
    ((text,),) = kind.read("ssd_contacts", "cont_contact_source_desc")
    assert text == "x" * 10_000_000


def test_text_of_a_database_in_another_encoding_arrives_as_unicode_or_is_refused(
    warehouse: None,
) -> None:
    said: dict[str, str] = {}
    for encoding, literal in (
        ("LATIN1", "convert_from('\\x636166e9', 'LATIN1')"), ("SQL_ASCII", "E'caf\\xe9'")
    ):  # fmt: skip
        name = f"encoded_{encoding.lower()}"
        with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
            admin.execute(f"drop database if exists {name} with (force)")
            admin.execute(
                f"create database {name} template template0 encoding '{encoding}'"
                " locale_provider libc locale 'C'"
            )
        with connect(ADMINISTRATOR, name) as admin:
            for table, columns in TABLES.items():
                admin.execute(f"create table {table} ({columns})")  # type: ignore[arg-type]
            admin.execute(
                "insert into ssd_contacts (cont_contact_id, cont_contact_source_desc)"
                f" values ('C1', {literal})"  # type: ignore[arg-type]
            )
            admin.execute("grant select on all tables in schema public to recording_reader")
        place = Postgres(None).address(database=name)
        spec = SourceSpec(name.replace("_", "-"), "E09810008", "Invented", place, is_partial=True)
        try:
            load_source(None, spec, NIGHT)
        except CarepathError as error:
            said[encoding] = str(error)
    assert warehouse_rows(
        "select source, cont_contact_source_desc from history.ssd_contacts"
        " join ops.loads on load_id = from_load where history.ssd_contacts.authority = 'E09810008'"
    ) == [("encoded-latin1", "caf\u00e9")]
    assert list(said) == ["SQL_ASCII"]
    assert "table ssd_contacts" in said["SQL_ASCII"]
    assert "caf" not in said["SQL_ASCII"]


# as the drivers of SQL Server and Oracle give them: (contract's type, SQL type, value, text)
OTHERS: Sequence[tuple[str, str, str, Any, str]] = (
    ("mssql", "id", "BIGINT", 398768, "398768"),
    ("mssql", "id", "DECIMAL(9, 2)", Decimal("398768.00"), "398768"),
    ("mssql", "id", "FLOAT", 398768.0, "398768"),
    ("mssql", "id", "UNIQUEIDENTIFIER", "0E37DF36-F698-11E6-8DD4-CB9CED3DF976",
     "0E37DF36-F698-11E6-8DD4-CB9CED3DF976"),
    ("mssql", "id", "UNIQUEIDENTIFIER", uuid.UUID("0e37df36-f698-11e6-8dd4-cb9ced3df976"),
     "0E37DF36-F698-11E6-8DD4-CB9CED3DF976"),
    ("mssql", "id", "VARBINARY(2)", b"\x00\xff", r"\x00ff"),
    ("mssql", "id", 'NCHAR(10) COLLATE "Latin1_General_CI_AS"', "P1        ", "P1"),
    ("mssql", "id", 'NVARCHAR(10) COLLATE "Latin1_General_CI_AS"', "P1 ", "P1 "),
    ("mssql", "flag", "BIT", True, "t"),
    ("mssql", "flag", "BINARY(1)", b"\x00", "0"),
    ("mssql", "flag", "TINYINT", 1, "1"),
    ("mssql", "code", "NUMERIC(4, 1)", Decimal("7.0"), "7"),
    ("mssql", "number", "MONEY", Decimal("0.1000"), "0.1000"),
    ("mssql", "integer", "REAL", 12.0, "12"),
    ("mssql", "date", "DATETIME2", dt.datetime(2017, 5, 1, 9, 30, 0, 500_000),  # noqa: DTZ001
     "2017-05-01 09:30:00.5"),
    ("mssql", "date", "SMALLDATETIME", dt.datetime(1900, 1, 1), "1900-01-01 00:00:00"),  # noqa: DTZ001
    ("mssql", "date", "DATETIMEOFFSET",
     dt.datetime(2017, 7, 1, 4, 0, tzinfo=dt.timezone(dt.timedelta(hours=4.5))), SUMMER),
    ("mssql", "date", "DATETIMEOFFSET", dt.datetime(2017, 12, 31, 23, 30, tzinfo=dt.UTC), WINTER),
    ("mssql", "date", "DATE", dt.date.max, "9999-12-31"),
    ("oracle", "id", "NUMBER", 398768, "398768"),
    ("oracle", "id", "NUMBER(9, 2)", Decimal("398768"), "398768"),
    ("oracle", "id", "NUMBER", Decimal("3.98768E+5"), "398768"),
    ("oracle", "id", "NUMBER", Decimal("12345678901234567890123456789012345678"),
     "12345678901234567890123456789012345678"),
    ("oracle", "id", "RAW(16)", uuid.UUID(int=1).bytes, r"\x" + "0" * 31 + "1"),
    ("oracle", "id", "CHAR(4)", "P1  ", "P1"),
    ("oracle", "number", "NUMBER(9, 2)", Decimal("1E+2"), "100"),
    ("oracle", "number", "BINARY_DOUBLE", float("inf"), "Infinity"),
    ("oracle", "number", "BINARY_FLOAT", float("nan"), "NaN"),
    ("oracle", "date", "DATE", dt.datetime(1, 1, 1), "0001-01-01 00:00:00"),  # noqa: DTZ001
    ("oracle", "date", "TIMESTAMP", dt.datetime.max.replace(tzinfo=dt.UTC),
     "9999-12-31 23:59:59.999999+00"),
    ("oracle", "json", "JSON", {"NFA": "\u00e9"}, '{"NFA": "\u00e9"}'),
    ("oracle", "text", "CLOB", "a\x00b", "ab"),
)  # fmt: skip


def test_values_of_sql_server_and_oracle_are_encoded_as_they_are_meant(warehouse: None) -> None:
    arrived = []
    for database_kind, wanted, sent, value, _ in OTHERS:
        form = form_of(sent, wanted, database_kind)
        ((text,),) = landed(b"".join(encode([[(value,)]], {0: form} if form else {})), 1)
        arrived.append((database_kind, wanted, sent, value, text))
    assert repr(arrived) == repr(list(OTHERS))  # NaN is not equal to itself


def test_oracle_itself_turns_an_instant_into_the_time_in_england() -> None:
    """Its driver drops the zone. `TIMESTAMP WITH LOCAL TIME ZONE` arrives in the session's zone."""
    from sqlalchemy.dialects import oracle

    def asked(kind: Any) -> str:
        column = database.selected("Met", database._type_name(kind), "oracle")
        return str(sa.select(column).select_from(sa.table("t")).compile(dialect=oracle.dialect()))

    assert asked(oracle.TIMESTAMP(timezone=True)).split("\n")[0].strip() == (
        """SELECT CAST("Met" at time zone 'Europe/London' AS TIMESTAMP) AS "Met\""""
    )
    for plain in (oracle.TIMESTAMP(), oracle.TIMESTAMP(local_timezone=True), oracle.DATE()):
        assert asked(plain).split("\n")[0].strip() == 'SELECT "Met"'
    assert "alter session set time_zone = 'Europe/London'" in database.SESSION["oracle"]


def test_float_id_that_has_lost_digits_is_not_made_whole() -> None:
    form = form_of("FLOAT", "id", "mssql")
    assert form is not None
    assert form(1.2345678901234568e17) == 1.2345678901234568e17
    assert b"".join(encode([[(1.2345678901234568e17,)]], {0: form})) == b"1.2345678901234568e+17\n"


# --- names, views, rights


def test_view_is_read_like_a_table(kind: Kind) -> None:
    kind.run(
        "create table people (a varchar(9), b varchar(9))",
        "insert into people values ('C1', 'P1')",
        "create view ssd_contacts as select a as cont_contact_id, b as cont_person_id from people",
    )
    assert kind.read("ssd_contacts", "cont_contact_id", "cont_person_id") == [("C1", "P1")]
    with open_source(kind.spec).open() as session:
        columns = {column.name: column.type for column in session.describe()["ssd_contacts"]}
    assert set(columns) == {"cont_contact_id", "cont_person_id"}
    assert all("char" in type_name.lower() for type_name in columns.values())


def test_names_in_upper_case_and_reserved_words_are_read(kind: Kind) -> None:
    mark = "`" if kind.name == "mariadb" else '"'
    kind.run(
        f"create table {mark}SSD_CONTACTS{mark} ({mark}Cont_Contact_ID{mark} varchar(9),"
        f" {mark}select{mark} varchar(9))",
        f"insert into {mark}SSD_CONTACTS{mark} values ('C1', 'x')",
    )
    with open_source(kind.spec).open() as session:
        assert [column.name for column in session.describe()["SSD_CONTACTS"]] == [
            "Cont_Contact_ID", "select",
        ]  # fmt: skip
        sent = b"".join(session.stream(CONTRACT["ssd_contacts"], ["Cont_Contact_ID", "select"]))
        assert session.count_now([CONTRACT["ssd_contacts"]]) == {"ssd_contacts": 1}
    assert sent == b"C1\tx\n"


def test_tables_that_differ_only_by_case_are_refused(kind: Kind) -> None:
    if kind.name == "sqlite":  # cannot hold both
        return
    mark = "`" if kind.name == "mariadb" else '"'
    kind.run(
        "create table ssd_contacts (cont_contact_id varchar(9))",
        f"create table {mark}SSD_Contacts{mark} (cont_contact_id varchar(9))",
    )
    with pytest.raises(SourceError, match=r"table ssd_contacts: .* differ only by upper and lower"):
        open_source(kind.spec).open().__enter__()


def test_synonyms_are_listed_and_described(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SQLite stands for SQL Server and Oracle: an object that SQLAlchemy does not list."""
    with closing(sqlite3.connect(tmp_path / "cases.db")) as connection:
        connection.execute("create table synonyms (name text, of_schema text)")
        connection.execute("insert into synonyms values ('ssd_contacts', null)")
        connection.execute("create table other (cont_contact_id text)")
        connection.execute("create view ssd_contacts as select * from other")
        connection.commit()
    monkeypatch.setattr(sqlite_inspector(), "get_view_names", lambda *_, **__: [])
    spec = SourceSpec("synonyms", "E09810009", "Invented", f"sqlite:///{tmp_path / 'cases.db'}")
    with open_source(spec).open() as session:
        assert session.describe() == {}
    monkeypatch.setattr(
        database,
        "SYNONYMS",
        {"sqlite": "select name from synonyms where of_schema is :schema"},
    )
    with open_source(spec).open() as session:
        assert [c.name for c in session.describe()["ssd_contacts"]] == ["cont_contact_id"]


def sqlite_inspector() -> Any:
    from sqlalchemy.dialects.sqlite.base import SQLiteDialect

    return SQLiteDialect


def test_account_may_be_limited_to_the_columns_that_are_read(kind: Kind) -> None:
    if kind.name == "sqlite":  # has no accounts
        return
    kind.run("create table ssd_contacts (cont_contact_id varchar(9), secret varchar(9))")
    kind.run("insert into ssd_contacts values ('C1', 'x')")
    if kind.name == "mariadb":
        kind.run(
            "revoke select on `order`.* from reader@'127.0.0.1'",
            "grant select (cont_contact_id) on ssd_contacts to reader@'127.0.0.1'",
        )
    else:
        kind.run(
            "revoke select on ssd_contacts from recording_reader",
            "grant select (cont_contact_id) on ssd_contacts to recording_reader",
        )
    assert kind.read("ssd_contacts", "cont_contact_id") == [("C1",)]
    with pytest.raises(SourceError, match=r"table ssd_contacts.*[Pp]ermission denied") as caught:
        kind.read("ssd_contacts", "secret")
    assert "Grant the account SELECT on what is named here" in str(caught.value)
    with open_source(kind.spec).open() as session:  # what the doctor asks
        session.require_readable(CONTRACT["ssd_contacts"], ["cont_contact_id"])  # type: ignore[attr-defined]
        with pytest.raises(SourceError, match=r"table ssd_contacts.*[Pp]ermission denied"):
            session.require_readable(CONTRACT["ssd_contacts"], ["secret"])  # type: ignore[attr-defined]


def test_doctor_promises_nothing_that_the_account_may_not_read(kind: Kind) -> None:
    if kind.name == "sqlite":  # has no accounts
        return
    fill(kind)
    if kind.name == "postgresql":
        kind.run("revoke select on ssd_contacts from recording_reader")
        with pytest.raises(SourceError, match=r"table ssd_contacts.*permission denied"):
            compare_spec(kind.spec)
        return
    kind.run("revoke select on `order`.* from reader@'127.0.0.1'")
    for table in TABLES.keys() - {"ssd_contacts"}:
        kind.run(f"grant select on {table} to reader@'127.0.0.1'")
    # MariaDB hides such a table, so it counts as not delivered
    found = compare_spec(kind.spec)
    assert {each.table.name for each in found.delivered} == TABLES.keys() - {"ssd_contacts"}


def grant(kind: Kind, rights: dict[str, str]) -> None:
    """Give the reader these rights on tables, and no others."""
    if kind.name == "mariadb":
        reader = "reader@'127.0.0.1'"
        kind.run("revoke select on `order`.* from reader@'127.0.0.1'")
    else:
        reader = "recording_reader"
        kind.run(*(f"revoke all on {name} from {reader}" for name in rights))
    kind.run(*(f"grant {right} on {name} to {reader}" for name, right in rights.items()))


# MariaDB shows a table, and all its columns, only to accounts that have some right on it
SOME_COLUMNS = {
    "ssd_contacts": "select (cont_contact_id, cont_contact_source_code,"
    " cont_contact_source_desc, cont_contact_outcome_json), insert",
    "local_eet_status": "select (eets_person_id, eets_status, eets_recorded_by), insert",
}
NO_CONTACTS = "ssd_contacts (columns cont_person_id, cont_contact_date)"


@pytest.mark.parametrize(
    ("rights", "named"),
    [
        (
            {"ssd_contacts": "insert", "local_eet_status": "insert"},
            "tables local_eet_status, ssd_contacts: 2 tables",
        ),
        (
            SOME_COLUMNS,
            f"tables local_eet_status (column eets_recorded_date), {NO_CONTACTS}: 2 tables",
        ),
        (
            SOME_COLUMNS | {"local_eet_status": "insert"},
            f"tables local_eet_status, {NO_CONTACTS}: 2 tables",
        ),
        (SOME_COLUMNS | {"local_eet_status": "select"}, f"table {NO_CONTACTS}: The table"),
    ],
    ids=["tables", "columns", "a table and columns", "columns of one table"],
)
def test_all_that_the_account_may_not_read_is_named_at_once(
    kind: Kind, rights: dict[str, str], named: str
) -> None:
    if kind.name == "sqlite":  # has no accounts
        return
    fill(kind)
    grant(kind, {"ssd_care_leavers": "select", **rights})
    text = re.escape(
        f"source {kind.spec.name}, {named} cannot be read: permission denied for its user. What to"
        " do: Grant the account SELECT on what is named"
    )
    with pytest.raises(SourceError, match=text):
        compare_spec(kind.spec)
    with pytest.raises(SourceError, match=text):
        load_source(None, kind.spec, NIGHT)


def test_broken_view_outside_the_contract_is_not_touched(kind: Kind) -> None:
    fill(kind)
    break_view(kind, "ssd_person_old")
    load = load_source(None, kind.spec, NIGHT)
    assert next(t.row_count for t in load.tables if t.table == "ssd_contacts") == 30


def break_view(kind: Kind, name: str) -> None:
    kind.run("create table kept (cont_contact_id varchar(9))")
    kind.run(f"create view {name} as select cont_contact_id from kept")
    if kind.name == "postgresql":  # keeps what a view needs; only the rights can go
        kind.run("create schema hidden") if not hidden() else None
        kind.run(
            f"drop view {name}", "drop table if exists hidden.kept", "drop table kept",
            "create table hidden.kept (cont_contact_id varchar(9))",
            f"create view {name} with (security_invoker) as select * from hidden.kept",
        )  # fmt: skip
    else:
        kind.run("drop table kept")


def hidden() -> bool:
    with connect("recording_system", "recording_system") as connection:
        found = connection.execute("select to_regnamespace('hidden') is not null").fetchone()
    return bool(found and found[0])


def test_broken_view_of_the_contract_is_named_and_closes_nothing(kind: Kind) -> None:
    if kind.name == "postgresql":  # a view cannot break there, only lose its rights
        return
    fill(kind)
    night = dt.date(2018, 1, 1)
    load_source(None, kind.spec, night)
    kind.run("drop table local_eet_status")
    break_view(kind, "local_eet_status")
    with open_source(kind.spec).open() as session:
        assert session.describe()["local_eet_status"] == []
        (said,) = session.notes()  # type: ignore[attr-defined]
        assert "local_eet_status: The table cannot be read: the view refers to" in str(said)
    load_source(None, kind.spec, night + dt.timedelta(1))  # it held nothing before
    kind.run("drop view local_eet_status", "drop table ssd_contacts")
    break_view(kind, "ssd_contacts")
    with pytest.raises(SourceError, match="table ssd_contacts: The table cannot be read: the view"):
        load_source(None, kind.spec, night + dt.timedelta(2))
    kept = "select count(*) from history.ssd_contacts where authority = %s and to_load is null"
    assert warehouse_rows(kept, (kind.spec.authority,)) == [(30,)]
    whole = SourceSpec(**{**vars(kind.spec), "is_partial": False})
    break_view(kind, "ssd_person")
    with pytest.raises(SourceError, match="table ssd_person: The table cannot be read"):
        open_source(whole).open().__enter__()


# --- a source that dies, hangs, or is rebuilt


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of PyMySQL
def test_source_that_dies_while_it_is_read_is_refused(kind: Kind) -> None:
    if kind.name == "sqlite":  # has no server
        return
    kind.run("create table ssd_contacts (cont_contact_source_desc varchar(1000))")
    numbers = {
        "postgresql": "select repeat('x', 1000) from generate_series(1, 20000)",
        "mariadb": "select repeat('x', 1000) from information_schema.columns as a"
        " cross join information_schema.columns as b limit 20000",
    }
    kind.run(f"insert into ssd_contacts {numbers[kind.name]}")
    with open_source(kind.spec).open() as session:
        rows = session.stream(CONTRACT["ssd_contacts"], ["cont_contact_source_desc"])
        next(rows)
        end_sessions(kind)
        with pytest.raises(SourceError, match="table ssd_contacts: Reading stopped") as caught:
            list(rows)
    assert "closed the connection" in str(caught.value) or "terminating" in str(caught.value)


def end_sessions(kind: Kind) -> None:
    if isinstance(kind, Maria):
        (found,) = kind.place.run(
            ["select group_concat(id) from information_schema.processlist where user = 'reader'"]
        )
        kind.place.run([f"kill {session}" for session in found[0].split(",")])
        return
    with connect(ADMINISTRATOR, "recording_system") as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'recording_reader'"
        )


def test_source_that_hangs_is_given_up(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind.name == "sqlite":
        return
    asleep = {"postgresql": "pg_sleep(30)::text", "mariadb": "sleep(30)"}[kind.name]
    kind.run(
        "create table people (a varchar(9))",
        "insert into people values ('C1')",
        "create view ssd_contacts as select a as cont_contact_id,"
        f" {asleep} as cont_person_id from people",
    )
    monkeypatch.setattr(database, "SILENCE", 1)
    monkeypatch.setitem(postgres.SESSION, "statement_timeout", "1s")  # type: ignore[arg-type]
    with (
        open_source(kind.spec).open() as session,
        pytest.raises(SourceError, match="table ssd_contacts: Reading stopped") as caught,
    ):
        list(session.stream(CONTRACT["ssd_contacts"], ["cont_person_id"]))
    assert "answer in time" in str(caught.value) or "timeout" in str(caught.value)


def test_server_that_accepts_and_says_nothing_is_given_up(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind.name == "sqlite":
        return
    monkeypatch.setattr(database, "CONNECT", 1)
    with closing(socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        here = {"port": mute.getsockname()[1]}
        if kind.name == "postgresql":
            here["query"] = {"connect_timeout": "2"}
        spec = SourceSpec(**{**vars(kind.spec), "url": kind.address(**here)})
        with pytest.raises(SourceError, match="it did not answer in time"):
            open_source(spec).open().__enter__()


def test_rebuild_waits_until_the_tables_are_read(kind: Kind) -> None:
    fill(kind)
    statements = {
        "postgresql": ("set lock_timeout = '100ms'", "truncate ssd_contacts"),
        "mariadb": ("set lock_wait_timeout = 1", "truncate ssd_contacts"),
        "sqlite": ("delete from ssd_contacts",),
    }[kind.name]
    refused = (psycopg.errors.LockNotAvailable, pymysql.OperationalError, sqlite3.OperationalError)
    with open_source(kind.spec).open() as session:
        list(session.stream(CONTRACT["ssd_care_leavers"], ["clea_person_id"]))
        with pytest.raises(refused):
            kind.run(*statements)
        sent = b"".join(session.stream(CONTRACT["ssd_contacts"], ["cont_contact_id"]))
        assert session.count_now([CONTRACT["ssd_contacts"]]) == {"ssd_contacts": 30}
    assert len(sent.splitlines()) == 30
    kind.run(*statements)


def test_tables_without_transactions_are_held_too(maria: Maria) -> None:
    """MyISAM has no snapshot, but a rebuild of its tables waits, too."""
    fill(maria)
    for table in TABLES:
        maria.run(f"alter table {table} engine = MyISAM")
    with open_source(maria.spec).open() as session:
        with pytest.raises(pymysql.OperationalError):
            maria.run("set lock_wait_timeout = 1", "truncate ssd_contacts")
        sent = b"".join(session.stream(CONTRACT["ssd_contacts"], ["cont_contact_id"]))
    assert len(sent.splitlines()) == 30
    load = load_source(None, maria.spec, dt.date(2018, 9, 1), accept_truncation=list(TABLES))
    assert next(t.row_count for t in load.tables if t.table == "ssd_contacts") == 30


def test_table_that_stays_locked_is_named(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(kind)
    monkeypatch.setattr(postgres, "PATIENCE", 0.5)
    monkeypatch.setattr(database, "CONNECT", 0.2)
    monkeypatch.setattr(database, "SESSION", {"mysql": ["set lock_wait_timeout = 1"]})
    with (
        locked(kind),
        pytest.raises(SourceError, match=r"[Aa]nother session (has locked|keeps)") as caught,
    ):
        open_source(kind.spec).open().__enter__()
    assert "start the night later" in str(caught.value)


@contextmanager
def locked(kind: Kind) -> Iterator[None]:
    """Hold a lock as a rebuild does."""
    if isinstance(kind, Maria):
        connection = kind.place.connect("order")
        connection.cursor().execute("lock tables ssd_contacts write")
        yield
        connection.close()
    elif isinstance(kind, SQLite):
        with closing(sqlite3.connect(kind.place, isolation_level=None)) as holder:
            holder.execute("begin exclusive")
            yield
    else:
        with connect("recording_system", "recording_system") as owner:
            owner.execute('truncate "order".ssd_contacts')
            yield
            owner.rollback()


def test_sqlite_file_is_only_read(kind: Kind) -> None:
    if kind.name != "sqlite":  # the others have accounts that may not write
        return
    fill(kind)
    source: Any = open_source(kind.spec)
    with source.connect() as connection:
        source._begin(connection)
        with pytest.raises(Exception, match="readonly"):
            connection.exec_driver_sql("delete from ssd_contacts")


# --- causes


def free_port() -> int:
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


REACHING: dict[str, tuple[Callable[[Kind], dict[str, Any]], str]] = {
    "wrong password": (lambda _: {"password": SECRET}, "it refuses the user or the password"),
    "no such user": (lambda _: {"username": SECRET}, "it refuses the user or the password"),
    "no such database": (lambda _: {"database": SECRET}, "it has no such database"),
    "closed port": (lambda _: {"port": free_port()}, "nothing answers at its host and port"),
}


@pytest.mark.parametrize("trouble", REACHING)
def test_source_that_cannot_be_reached_says_why_without_a_secret(kind: Kind, trouble: str) -> None:
    if kind.name == "sqlite":
        return
    parts, words = REACHING[trouble]
    spec = SourceSpec(**{**vars(kind.spec), "url": kind.address(**parts(kind))})
    with pytest.raises(SourceError, match=f"The source cannot be reached: {words}") as caught:
        open_source(spec).open().__enter__()
    shown = "".join(traceback.format_exception(caught.value))
    assert "Winter" not in shown
    assert "Hush2025" not in shown
    assert "What to do: " in str(caught.value)


def test_connection_to_mariadb_checks_the_certificate_if_the_address_names_an_authority(
    maria: Maria, tmp_path: Path
) -> None:
    """As docs/sources_mysql.md says: with the council's own authority, and the name checked."""
    maria.place.run(["create user reader@'localhost' identified by 'pw'"])

    def source(**parts: Any) -> Any:
        return open_source(SourceSpec(**{**vars(maria.spec), "url": maria.address(**parts)}))

    def cipher(**parts: Any) -> str:
        with source(**parts).connect() as connection:
            return str(connection.exec_driver_sql("show status like 'Ssl_cipher'").one()[1])

    known = {"ssl_ca": str(maria.place.certificate)}
    asked = {**known, "ssl_verify_identity": "true", "ssl_verify_cert": "true"}
    assert cipher() != ""  # PyMySQL encrypts if the server can, and checks nothing
    (tmp_path / "other").mkdir()
    other = {"ssl_ca": str(certificates.of_localhost(tmp_path / "other"))}
    for query in (known, asked):
        assert cipher(host="localhost", query=query) != ""
        with pytest.raises(SourceError, match="no encrypted connection could be made"):
            cipher(query=query)  # 127.0.0.1 is not the certificate's name
    with pytest.raises(SourceError, match="no encrypted connection could be made"):
        cipher(host="localhost", query=other)


def test_sqlite_says_what_is_wrong_with_its_file(tmp_path: Path) -> None:
    def failure(path: Path) -> str:
        spec = SourceSpec("file", "E09810009", "Invented", f"sqlite:///{path}")
        with pytest.raises(SourceError) as caught, open_source(spec).open() as session:
            b"".join(session.stream(CONTRACT["ssd_contacts"], ["cont_contact_id"]))
        return str(caught.value)

    assert "its file cannot be opened" in failure(tmp_path / "none" / "cases.db")
    assert not (tmp_path / "none").exists()
    assert "its file cannot be opened" in failure(tmp_path / "cases.db")
    assert not (tmp_path / "cases.db").exists()
    (tmp_path / "cases.db").write_text("Winter@Hush2025, not a database" * 100)
    assert "is not a database (SQLITE_NOTADB)" in failure(tmp_path / "cases.db")
    (tmp_path / "cases.db").unlink()
    with closing(sqlite3.connect(tmp_path / "cases.db")) as connection:
        connection.execute("create table ssd_contacts (cont_contact_id text)")
        connection.execute("insert into ssd_contacts values (cast(x'5A6FEB' as text))")
        connection.commit()
    said = failure(tmp_path / "cases.db")
    assert "table ssd_contacts: Reading stopped: a text is not valid in the character set" in said
    assert "Zo" not in said


# what the drivers of SQL Server and Oracle raise, and what it means
class DriverError(Exception):
    """Stands for the errors of a server that is not tried here."""

    driver_error: str


LOGIN = "[28000] [Microsoft][ODBC Driver 18 for SQL Server]Login failed for user 'x'. (18456)"
RAISED: Sequence[tuple[tuple[str, ...], str]] = (
    (("28000", LOGIN), "it refuses the user or the password (error 18456)"),
    (("08001", "[08001] [x]TCP Provider: Error code 0x2749 (10057)"), "nothing answers"),
    (("08001", "[08001] [x]TCP Provider: Error code 0x2AF9 (11001)"), "name of its host is not"),
    (("08001", "[08001] [x]something else"), "cannot reach its host"),
    (("08001", "[08001] SSL Provider: certificate verify failed"), "no encrypted connection"),
    (("HYT00", "[HYT00] Login timeout expired (0)"), "it did not answer in time"),
    (("08S01", "[08S01] Communication link failure (0)"), "it closed the connection"),
    (("IM002", "[IM002] Data source name not found"), "the system's own driver"),
    (("42S02", "[42S02] Invalid object name 'ssd_x'. (208)"), "there is no such table"),
    (("42000", "[42000] The SELECT permission was denied on 'x'. (229)"), "permission denied"),
    (("42000", "[42000] Could not use view because of binding errors. (4413)"), "the view refers"),
    (("42000", "[42000] Snapshot isolation failed (3952)"), "does not allow snapshot isolation"),
    (("42000", "[42000] Snapshot isolation failed (3961)"), "changed or replaced while"),
    (("42000", "[42000] something else (99)"), "reported an error (42000)"),
    (("ORA-01017: invalid username/password",), "refuses the user or the password (ORA-01017)"),
    (("ORA-28001: the password has expired",), "password has expired"),
    (("ORA-00942: table or view does not exist",), "there is no such table"),
    (("ORA-01466: table definition has changed",), "changed or replaced while"),
    (("ORA-04063: view has errors",), "the view refers"),
    (("DPY-6005: cannot connect (connection refused)",), "nothing answers"),
    (("DPY-6005: cannot connect: timed out",), "it did not answer in time"),
    (("DPY-4011: the database closed the connection",), "it closed the connection"),
    (("ORA-99999: Winter@Hush2025",), "reported an error (ORA-99999)"),
)


# what mssql-python says: its own words for the SQLSTATE, the server's words, and what it means
SAID: Sequence[tuple[str, str, str]] = (
    ("Invalid authorization specification", "[Microsoft][SQL Server]Login failed for user 'x'.",
     "it refuses the user or the password (28000)"),
    ("Invalid authorization specification", "[Microsoft]Login failed for user 'x'.  Reason: The"
     " password of the account has expired.", "password has expired"),
    ("Invalid authorization specification", 'Cannot open database "x" requested by the login. The'
     " login failed.", "it has no such database"),
    ("Client unable to establish connection", "[Microsoft]TCP Provider: Error code 0x2749",
     "nothing answers"),
    ("Client unable to establish connection", "[Microsoft]TCP Provider: Timeout error [258]. ",
     "it did not answer in time"),
    ("Client unable to establish connection", "[Microsoft]SSL Provider: [certificate verify"
     " failed]", "no encrypted connection"),
    ("Communication link failure", "[Microsoft]TCP Provider: Error code 0x68", "closed the"),
    ("Timeout expired", "[Microsoft]Query timeout expired", "it did not answer in time"),
    ("Base table or view not found", "Invalid object name 'ssd_x'.", "there is no such table"),
    ("Syntax error or access violation", "The SELECT permission was denied on the object 'x'",
     "permission denied"),
    ("Syntax error or access violation", "Could not use view or function 'x' because of binding"
     " errors.", "the view refers"),
    ("Syntax error or access violation", "Lock request time out period exceeded.", "keeps it"),
    ("Syntax error or access violation", "Snapshot isolation transaction failed accessing database"
     " 'x' because snapshot isolation is not allowed in this database.", "does not allow snapshot"),
    ("Syntax error or access violation", "Snapshot isolation transaction failed in database 'x'"
     " because the object accessed by the statement has been modified by a DDL statement",
     "changed or replaced while"),
    ("Invalid character value for cast specification", "Conversion failed when converting the"
     " nvarchar value 'Winter@Hush2025' to data type int.", "a value cannot be computed or read"),
    ("Syntax error or access violation", "Winter@Hush2025", "reported an error (42000)"),
    ("General error", "Winter@Hush2025", "reported an error"),
)  # fmt: skip


@pytest.mark.parametrize(("driver_error", "server", "words"), SAID)
def test_errors_of_mssql_python_have_fixed_words(
    driver_error: str, server: str, words: str
) -> None:
    error = DriverError(f"Driver Error: {driver_error}; DDBC Error: {server}")
    error.driver_error = driver_error
    assert words in str(cause_of(error))
    assert "Winter" not in str(cause_of(error))


# the drivers themselves, without a server: module, address, an option that they do not know
DRIVERS: dict[str, tuple[str, str, str]] = {
    "mssql": ("mssql_python", "mssql://reader:{password}@{place}/HDM?", "colour=red"),
    "oracle": ("oracledb", "oracle://reader:{password}@{place}/?service_name=HDM", "&colour=red"),
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_drivers_of_sql_server_and_oracle_give_up_in_time_and_say_why(
    driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, pattern, unknown = DRIVERS[driver]
    pytest.importorskip(module, reason=f"its driver is not installed: {module}")
    monkeypatch.setattr(database, "CONNECT", 1)

    def failure(place: str, more: str = "") -> str:
        here = pattern.format(password="Winter%40Hush2025", place=place) + more
        with pytest.raises(SourceError) as caught:
            open_source(SourceSpec("none", "E09810009", "Invented", here)).open().__enter__()
        assert "Winter" not in "".join(traceback.format_exception(caught.value))
        return str(caught.value)

    closed = f"127.0.0.1:{free_port()}"
    assert "nothing answers at its host and port" in failure(closed)
    assert "an option of its URL cannot be used" in failure(closed, unknown)
    assert "the name of its host is not known" in failure("no-such-host.invalid:1433")
    with closing(socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        assert "it did not answer in time" in failure(f"127.0.0.1:{mute.getsockname()[1]}")


@pytest.mark.parametrize(("arguments", "words"), RAISED)
def test_errors_of_sql_server_and_oracle_have_fixed_words(
    arguments: tuple[str, ...], words: str
) -> None:
    cause = cause_of(DriverError(*arguments))
    assert words in str(cause)
    assert cause.todo
    assert "Winter" not in str(cause)


def test_every_cause_has_words_of_its_own_and_says_what_to_do() -> None:
    from carepath.sources import causes

    found = [each for each in vars(causes).values() if isinstance(each, causes.Cause)]
    assert len({each.words for each in found}) == len(found) > 20
    assert all(each.todo.endswith(".") for each in found)
    assert not any(each.words.endswith(".") for each in found)


# --- a whole load


def test_delivery_is_loaded_and_the_same_one_again_is_unchanged(kind: Kind) -> None:
    fill(kind, rows=3_000)
    night = dt.date(2018, 6, 1)
    load_source(None, kind.spec, night, accept_truncation=list(TABLES))
    again = load_source(None, kind.spec, night + dt.timedelta(1))
    assert {t.table: (t.row_count, t.is_unchanged) for t in again.tables} == {
        "ssd_contacts": (3_000, True), "ssd_care_leavers": (30, True),
        "local_eet_status": (0, True),
    }  # fmt: skip


def test_two_readers_of_one_session_take_turns(kind: Kind) -> None:
    fill(kind, rows=3_000)
    found: list[int] = []
    with open_source(kind.spec).open() as session:

        def read() -> None:
            sent = b"".join(session.stream(CONTRACT["ssd_contacts"], ["cont_contact_id"]))
            found.append(len(sent.splitlines()))

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [3_000, 3_000]


def test_airflow_connection_of_mariadb_reads_the_same(
    maria: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(maria)
    monkeypatch.setenv(
        "AIRFLOW_CONN_SSD",
        f'{{"conn_type": "mysql", "login": "reader", "password": "pw", "host": "127.0.0.1",'
        f' "schema": "order", "port": {maria.place.port}}}',
    )
    spec = SourceSpec(**{**vars(maria.spec), "url": "airflow://ssd"})
    with open_source(spec).open() as session:
        sent = b"".join(session.stream(CONTRACT["ssd_contacts"], ["cont_contact_id"]))
    assert len(sent.splitlines()) == 30


def test_postgresql_through_sqlalchemy_keeps_the_same_types(warehouse: None) -> None:
    """The general way of reading, with the types that only PostgreSQL has."""
    kind = Postgres(None)
    kind.fresh()
    here = make_url(kind.address()).set(drivername="postgresql+psycopg")
    # not a date that Python cannot hold, and what the driver gives as types of its own
    left_out = ("'infinity'", "b'0'")
    values = [each for each in kind.values if each[2] not in left_out and each[1] != "uuid"]
    for group in rounds(values):
        prepare(kind, group)
        with DatabaseSource(kind.spec, address(here, [])).open() as session:
            for value in group:
                assert arrived(session, value) == value
