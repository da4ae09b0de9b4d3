"""Sources in PostgreSQL, SQLite and any other database: one picture, the same bytes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from small_recording_system import SmallRecordingSystem, sqlite_file, warehouse_rows
from sqlalchemy.engine import make_url

from carepath.contract import Table, load_contract
from carepath.errors import SourceError
from carepath.landing import load_source
from carepath.sources import Source, SourceSession, SourceSpec, open_source
from carepath.sources.address import address
from carepath.sources.database import DatabaseSource, encode
from carepath.warehouse.connect import connect, url
from carepath.warehouse.passwords import ADMINISTRATOR

CONTACTS = load_contract().tables["ssd_contacts"]
LEAVERS = load_contract().tables["ssd_care_leavers"]


def decode(data: bytes) -> list[list[str | None]]:
    """Read COPY's text format back, as PostgreSQL's documentation describes it."""
    plain = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}

    def field(text: str) -> str | None:
        if text == "\\N":
            return None
        out, characters = [], iter(text)
        for character in characters:
            out.append(plain[next(characters)] if character == "\\" else character)
        return "".join(out)

    lines = data.decode().split("\n")
    assert lines.pop() == ""
    return [[field(each) for each in line.split("\t")] for line in lines]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.tuples(*[st.none() | texts | st.sampled_from("\x1d\x1e\x1f\\")] * width), min_size=1
        )
    )
)
def test_encode_any_text_is_read_back_by_copy(rows: list[tuple[str | None, ...]]) -> None:
    """Also when a later batch holds what the first did not."""
    for batches in ([rows], [[("x",) * len(rows[0])], rows]):
        expected = [list(row) for batch in batches for row in batch]
        assert decode(b"".join(encode(batches))) == expected


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=8)
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=1))]))
    | texts
    | st.sampled_from(["", "\\N", "\\.", "\\", "\r\n", "\x1d", "\x1e", "\x1f", "a\x00b"])
)


def as_sent(value: Any) -> str | None:
    """Return what landing should hold, said without the encoder."""
    match value:
        case None | str():
            return value and value.replace("\x00", "")
        case bool():
            return "ft"[value]
        case Decimal():
            return f"{value:f}"
        case bytes():
            return "\\x" + value.hex()
        case float():
            return {"inf": "Infinity", "-inf": "-Infinity"}.get(
                str(value), str(value).removesuffix(".0")
            )
        case dt.datetime() if value.tzinfo:
            return in_england(value)
        case dt.datetime() if value.microsecond:
            return str(value).rstrip("0")
        case _:
            return str(value)


def in_england(value: dt.datetime) -> str:
    """Return an instant as PostgreSQL writes it."""
    with suppress(OverflowError):  # the first and the last day of the calendar
        value = value.astimezone(ZoneInfo("Europe/London"))
    day, _, time = str(value).partition(" ")
    clock, sign, zone = re.fullmatch(r"([^+-]*)([+-])(.*)", time).groups()  # type: ignore[union-attr]
    clock = clock.rstrip("0") if "." in clock else clock
    return f"{day} {clock}{sign}{zone.removesuffix(':00')}"


@given(
    st.integers(1, 3).flatmap(
        lambda width: st.lists(
            st.lists(st.tuples(*[scalars] * width), min_size=1, max_size=6), min_size=1, max_size=3
        )
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_encode_any_values_are_taken_by_postgresql(
    landing: Callable[[int, Iterable[bytes]], list[tuple[str | None, ...]]],
    batches: list[list[tuple[Any, ...]]],
) -> None:
    expected = [tuple(map(as_sent, row)) for batch in batches for row in batch]
    assert landing(len(batches[0][0]), encode(batches)) == expected


@pytest.fixture
def landing(
    system: SmallRecordingSystem,
) -> Iterator[Callable[[int, Iterable[bytes]], list[tuple[str | None, ...]]]]:
    """Copies bytes into a table of some text columns of a real PostgreSQL, and reads them back."""
    with connect("recording_system", "recording_system") as connection:
        connection.execute("create temporary table landed (n serial, a text, b text, c text)")

        def land(width: int, chunks: Iterable[bytes]) -> list[tuple[str | None, ...]]:
            names = sql.SQL(", ").join(map(sql.Identifier, "abc"[:width]))
            connection.execute("truncate landed")
            with connection.cursor() as cursor:
                with cursor.copy(sql.SQL("copy landed ({}) from stdin").format(names)) as copy:
                    for chunk in chunks:
                        copy.write(chunk)
                query = sql.SQL("select {} from landed order by n").format(names)
                return cursor.execute(query).fetchall()

        yield land


def test_encode_types_as_postgresql_writes_them() -> None:
    row = (dt.date(2017, 5, 1), dt.datetime(2017, 5, 1, 9, 30), 7, Decimal("1E+2"), True, b"\x01")  # noqa: DTZ001
    expected = ["2017-05-01", "2017-05-01 09:30:00", "7", "100", "t", "\\x01"]
    assert decode(b"".join(encode([[row, (None,) * 6]]))) == [expected, [None] * 6]
    mixed = [[(1, "a\x00b"), ("x", 2.5)]]
    assert decode(b"".join(encode(mixed))) == [["1", "ab"], ["x", "2.5"]]


def test_encode_the_same_instant_of_two_zones_is_one_time_in_england() -> None:
    noon = dt.datetime(2017, 5, 1, 12, tzinfo=dt.UTC)
    elsewhere = noon.astimezone(dt.timezone(dt.timedelta(hours=-5)))
    assert decode(b"".join(encode([[(noon,), (elsewhere,)]]))) == [
        ["2017-05-01 13:00:00+01"], ["2017-05-01 13:00:00+01"],
    ]  # fmt: skip


def read(session: SourceSession, table: Table) -> list[list[str | None]]:
    columns = [column.name for column in session.describe()[table.name]]
    return sorted(decode(b"".join(session.stream(table, columns))), key=str)


@pytest.fixture(scope="module")
def system(warehouse: None) -> SmallRecordingSystem:
    """Three care leavers, one with awkward text, and 5,000 contacts."""
    system = SmallRecordingSystem("sources", "E09700001")
    system.add_leaver("P1")
    system.add_leaver(" p2\t", activity="back\\slash\nline")
    system.add_leaver("P3", activity="\u00e9\u0142")
    system.add_contacts(5_000)
    return system


@pytest.fixture(params=["psycopg", "psycopg2"])  # with the second, SQLAlchemy reads a row ahead
def through_sqlalchemy(system: SmallRecordingSystem, request: pytest.FixtureRequest) -> Source:
    """The same tables read as from any other database."""
    here = url("recording_system", "recording_system", driver=request.param)
    return DatabaseSource(system.spec, address(make_url(here), []))


def test_both_ways_of_reading_postgresql_give_the_same_rows(
    system: SmallRecordingSystem, through_sqlalchemy: Source
) -> None:
    with open_source(system.spec).open() as direct, through_sqlalchemy.open() as other:
        for table in (CONTACTS, LEAVERS):
            assert read(direct, table) == read(other, table) != []


@pytest.mark.parametrize("kind", ["copy", "sqlalchemy"])
def test_source_that_changes_while_it_is_read_gives_one_picture(
    system: SmallRecordingSystem, through_sqlalchemy: Source, kind: str
) -> None:
    source = open_source(system.spec) if kind == "copy" else through_sqlalchemy
    with source.open() as session:
        assert len(read(session, CONTACTS)) == 5_000
        system.add_leaver("P99")
        try:
            assert "P99" not in [row[1] for row in read(session, LEAVERS)]
        finally:
            system.execute("delete from ssd_care_leavers where clea_person_id = 'P99'")


@pytest.mark.parametrize("password", ["Winter@Hush2025", "a%40b/c:d?e#f g+h", "\u00a3'\"\\"])
def test_any_password_lets_the_night_in(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    with connect(ADMINISTRATOR, "recording_system") as admin:
        admin.execute(
            sql.SQL(
                "create role hard login password {};"
                " grant connect on database recording_system to hard"
            ).format(password)
        )
    system.execute(
        f"grant usage on schema {system.schema} to hard;"
        f"grant select on all tables in schema {system.schema} to hard"
    )
    monkeypatch.setenv("HARD_PASSWORD", password)
    plain = make_url(url("recording_reader", "recording_system"))
    here = f"{plain.host}:{plain.port}/{plain.database}"
    for scheme in ("postgresql", "postgresql+psycopg2"):
        spec = dataclasses.replace(system.spec, url=f"{scheme}://hard:${{HARD_PASSWORD}}@{here}")
        with open_source(spec).open() as session:
            assert len(read(session, LEAVERS)) == 3
    with connect(ADMINISTRATOR, "recording_system") as admin:
        admin.execute("drop owned by hard; drop role hard")


def test_absent_columns_arrive_as_nulls(
    system: SmallRecordingSystem, through_sqlalchemy: Source
) -> None:
    for source in (open_source(system.spec), through_sqlalchemy):
        with source.open() as session:
            rows = decode(b"".join(session.stream(LEAVERS, [None, "clea_person_id", None])))
            assert sorted(row[1] or "" for row in rows) == [" p2\t", "P1", "P3"]
            assert {(row[0], row[2]) for row in rows} == {(None, None)}


def test_source_is_read_only_and_impatient(system: SmallRecordingSystem) -> None:
    source: Any = open_source(system.spec)
    with source.connect() as connection:
        shown = {
            name: connection.execute(f"show {name}").fetchone()[0]
            for name in ("transaction_read_only", "lock_timeout", "application_name", "datestyle")
        }
    assert shown == {
        "transaction_read_only": "on",
        "lock_timeout": "10s",
        "application_name": "carepath",
        "datestyle": "ISO, YMD",
    }


@pytest.fixture
def in_sqlite(system: SmallRecordingSystem, tmp_path: Path) -> SourceSpec:
    """A recording system in SQLite, with write-ahead logging and 3,000 contacts."""
    connection = sqlite_file(tmp_path / "cases.db")
    connection.execute("pragma journal_mode = wal")
    connection.executemany(
        "insert into ssd_contacts values (?, ?, '2017-01-01', ?, 'a\tb\\c', null)",
        [(f"C{n}", f"P{n}", "1A") for n in range(3_000)],
    )
    connection.execute("insert into ssd_care_leavers (clea_person_id) values ('P1')")
    connection.commit()
    connection.close()
    return dataclasses.replace(
        system.spec, name="sqlite", authority="E09700002",
        url=f"sqlite:///{tmp_path / 'cases.db'}", schema=None,
    )  # fmt: skip


def test_sqlite_is_loaded_like_any_source(in_sqlite: SourceSpec) -> None:
    result = load_source(None, in_sqlite, dt.date(2017, 11, 30))
    assert {t.table: t.opened_count for t in result.tables} == {
        "ssd_contacts": 3_000, "ssd_care_leavers": 1, "local_eet_status": 0,
    }  # fmt: skip
    assert warehouse_rows(
        "select cont_contact_date, cont_contact_source_desc, cont_contact_outcome_json"
        " from history.ssd_contacts where authority = 'E09700002' and record_key = 'C7'"
    ) == [("2017-01-01", "a\tb\\c", None)]
    again = load_source(None, in_sqlite, dt.date(2017, 12, 1))
    assert all(t.is_unchanged for t in again.tables)


def test_sqlite_that_changes_while_it_is_read_gives_one_picture(in_sqlite: SourceSpec) -> None:
    import sqlite3

    with open_source(in_sqlite).open() as session:
        assert len(read(session, CONTACTS)) == 3_000
        with sqlite3.connect(in_sqlite.url.removeprefix("sqlite:///")) as writer:
            writer.execute("insert into ssd_care_leavers (clea_person_id) values ('P2')")
        writer.close()
        assert len(read(session, LEAVERS)) == 1


@pytest.mark.fault(
    "The driver cannot read a row.",
    "The load stops. Its message does not show the value.",
)
def test_row_that_the_driver_cannot_read_stops_the_source_without_its_value(
    in_sqlite: SourceSpec,
) -> None:
    import sqlite3

    with sqlite3.connect(in_sqlite.url.removeprefix("sqlite:///")) as writer:
        writer.execute("insert into ssd_contacts (cont_contact_id) values (cast(x'41ff' as text))")
    writer.close()
    with (
        open_source(in_sqlite).open() as session,
        pytest.raises(SourceError, match=r"Reading stopped: a text is not valid") as raised,
    ):
        read(session, CONTACTS)
    assert "decode" not in str(raised.value)  # the driver's own words, which quote the value
