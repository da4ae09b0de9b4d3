"""Any valid table of a return arrives without the blanks around its fields; any harm is named."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ssda903_returns import as_csv, open_return, write_return

from carepath.contract.model import load_contract
from carepath.sources.blanks import trim
from carepath.sources.ssda903.checking import MalformedReturnError, check_return
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

TABLE = "ssd_cla_previous_permanence"
COLUMNS = (
    "lapp_person_id",
    "lapp_previous_permanence_option",
    "lapp_previous_permanence_la",
    "lapp_previous_permanence_order_date",
)
HEADER = ("CHILD", "DOB", "PREV_PERM", "LA_PERM", "DATE_PERM")

CHILDREN = st.from_regex(r"Q[0-9]{4}[A-Z]", fullmatch=True)
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ROWS = st.lists(
    st.tuples(CHILDREN, DAYS, st.sampled_from(["P1", "P4", "Z1"]), TEXTS, st.none() | DAYS),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def database(cluster: object) -> Iterator[psycopg.Connection[Any]]:
    """A connection that has an empty text table of the contract's shape."""
    with connect(ADMINISTRATOR, "postgres") as connection:
        columns = ", ".join(f"{name} text" for name in COLUMNS)
        connection.execute(f"create temporary table {TABLE} (n bigserial, {columns})")
        yield connection


def slashed(day: date) -> str:
    """Return a day as the return writes it."""
    return f"{day:%d/%m}/{day.year:04}"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=ROWS,
    line_end=st.sampled_from(["\n", "\r\n"]),
    byte_order_mark=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_stream_of_any_valid_table_arrives_in_postgresql_but_for_blanks_around_fields(
    database: psycopg.Connection[Any],
    rows: list[tuple[str, date, str, str, date | None]],
    line_end: str,
    byte_order_mark: bool,
    quoting: int,
) -> None:
    if any("\r" in text for _, _, _, text, _ in rows):
        quoting = csv.QUOTE_ALL  # Python's writer leaves a lone carriage return unquoted
    table = [
        [child, slashed(birth), option, text, slashed(day) if day else ""]
        for child, birth, option, text, day in rows
    ]
    content = as_csv([HEADER, *table], line_end, quoting)
    with tempfile.TemporaryDirectory() as folder:
        name = {"earlier.csv": ("\ufeff" if byte_order_mark else "") + content}
        session = open_return(write_return(Path(folder), name))
        with database.cursor().copy(f"copy {TABLE} ({', '.join(COLUMNS)}) from stdin") as copy:
            for block in session.stream(load_contract().tables[TABLE], COLUMNS):
                copy.write(block)
    found = database.execute(f"select {', '.join(COLUMNS)} from {TABLE} order by n").fetchall()
    database.execute(f"delete from {TABLE}")
    assert found == [
        (child, option, trim(text) or None, day.isoformat() if day else None)
        for child, _, option, text, day in rows
    ]


def corrupt(line: str, how: str) -> bytes:
    """Return one line of a valid file, harmed."""
    child, birth, option, authority, day = line.split(",")
    harmed = {
        "semicolon": f"{child};{birth},{option},{authority},{day}",
        "all semicolons": line.replace(",", ";"),
        "too few": f"{child},{birth},{option},{authority}",
        "too many": f"{line},x",
        "bad date": f"{child},{birth[:-4]}{birth[-2:]},{option},{authority},{day}",
        "no such day": f"{child},31/02/{birth[-4:]},{option},{authority},{day}",
        "blank child": f",{birth},{option},{authority},{day}",
        "NUL": f"{child},{birth},{option}\0,{authority},{day}",
        "open quote": f'{child},{birth},"{option},{authority},{day}',
    }
    if how == "Latin-1":
        return f"{child},{birth},{option},\xe9,{day}".encode("latin-1")
    return harmed[how].encode()


COLUMN_NAMED = {
    "semicolon": "CHILD", "all semicolons": "CHILD", "too few": "DATE_PERM",
    "too many": "DATE_PERM", "bad date": "DOB", "no such day": "DOB", "blank child": "CHILD",
    "NUL": "PREV_PERM", "Latin-1": "LA_PERM", "open quote": "",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CHILDREN, DAYS, DAYS), min_size=1, max_size=10),
    where=st.integers(min_value=0, max_value=9),
    how=st.sampled_from(sorted(COLUMN_NAMED)),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_check_return_of_any_corrupted_line_names_that_line_and_its_column_only(
    rows: list[tuple[str, date, date]], where: int, how: str, line_end: bytes
) -> None:
    lines = [",".join(HEADER)] + [
        f"{child},{slashed(birth)},P1,Ashmere,{slashed(day)}" for child, birth, day in rows
    ]
    at = 1 + where % len(rows)
    content = [line.encode() for line in lines]
    content[at] = corrupt(lines[at], how)
    content.append(b"Q0000Z,01/01/2000,P1,,")  # so that the harmed line is never the last
    with tempfile.TemporaryDirectory() as folder:
        data = line_end.join(content) + line_end
        write_return(Path(folder), {"earlier.csv": data})
        with pytest.raises(MalformedReturnError) as caught:
            check_return(Path(folder))
    assert [(e.file, e.line, e.column) for e in caught.value.errors] == [
        ("earlier.csv", at + 1, COLUMN_NAMED[how])
    ]
    assert not any(child in str(caught.value) for child, _, _ in rows)
    assert not any(slashed(birth) in str(caught.value) for _, birth, _ in rows)
