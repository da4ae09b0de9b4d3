"""One person is one person, whatever blanks a source has around an id."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from small_recording_system import SmallRecordingSystem, sqlite_file, warehouse_rows

from carepath.landing import extract, load_source

pytestmark = pytest.mark.usefixtures("warehouse")

SPELT = ("P1", "P1\r", "P1\r\n", " P1", "P1\t", "\ufeffP1", "P1\u00a0", "\u3000P1", "P1\u200b ")


def history(authority: str) -> list[tuple[Any, ...]]:
    """Return the versions of contacts and their first and last night."""
    return warehouse_rows(
        "select record_key, cont_person_id, cont_contact_date, cont_contact_source_code,"
        " cont_contact_source_desc, cont_contact_outcome_json, known_from::text, known_to::text"
        " from history.ssd_contacts where authority = %s order by record_key, from_load",
        (authority,),
    )


def spelt_contacts() -> list[tuple[str, ...]]:
    """Return one contact of one person in each spelling."""
    return [
        (
            f"C{n}",
            person,
            "2017-01-01",
            person.replace("P1", "1A"),
            " two\r\nlines\r\n",
            '{"NFA": "Y"}\n',
        )
        for n, person in enumerate(SPELT)
    ]


CLEAN = (" two\r\nlines\r\n", '{"NFA": "Y"}\n')


def insert(system: SmallRecordingSystem, rows: Iterable[tuple[str, ...]]) -> None:
    """Add contacts to a recording system in PostgreSQL."""
    for row in rows:
        system.execute("insert into ssd_contacts values (%s, %s, %s, %s, %s, %s)", row)


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_blanks_of_every_kind_make_no_other_person(kind: str, tmp_path: Path) -> None:
    system = SmallRecordingSystem(f"blanks_{kind}", f"E0994{len(kind):04d}")
    if kind == "postgresql":
        insert(system, spelt_contacts())
    else:
        with sqlite_file(tmp_path / "blanks.db") as connection:
            connection.executemany(
                "insert into ssd_contacts values (?, ?, ?, ?, ?, ?)", spelt_contacts()
            )
        system.spec = dataclasses.replace(
            system.spec, url=f"sqlite:///{tmp_path / 'blanks.db'}", schema=None
        )
    load_source(None, system.spec, dt.date(2017, 11, 30))
    found = history(system.spec.authority)
    assert len(found) == len(SPELT)
    assert {(person.strip(" "), code.strip(" ")) for _, person, _, code, *_ in found} == {
        ("P1", "1A")
    }
    assert {(text, json) for *_, text, json, _, _ in found} == {CLEAN}


def test_ordinary_delivery_makes_the_same_history_as_before_the_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = SmallRecordingSystem("blanks_ordinary", "E09940020")
    row = ("C1", "P1 ", "2017-01-01", "£\u2014é", "a\nb\r\n", '{"NFA": "Y"}\n')
    insert(system, [row, ("C2 ", *row[1:]), ("C3", " P1", *row[2:])])
    with monkeypatch.context() as before:
        before.setattr(extract, "without_blanks", lambda chunks, *_: chunks)
        system.load("2017-11-30")
    first = history(system.spec.authority)
    result = system.load("2017-12-01")
    assert all(table.is_unchanged for table in result.tables)
    insert(system, [("C4", *row[1:])])  # compared by content, not only by the delivery's digest
    system.load("2017-12-02")
    later = history(system.spec.authority)
    assert [found for found in later if found[0] != "C4"] == first
    assert len(later) == len(first) + 1


def test_person_that_a_warehouse_holds_with_a_blank_becomes_one_in_the_next_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = SmallRecordingSystem("blanks_upgrade", "E09940021")
    system.add_leaver("P1\r")
    system.add_leaver("P2")
    with monkeypatch.context() as before:
        before.setattr(extract, "without_blanks", lambda chunks, *_: chunks)
        system.load("2017-11-30")
    system.load("2017-12-01")
    query = (
        "select record_key, known_from::text, known_to::text from history.ssd_care_leavers"
        " where authority = 'E09940021' order by record_key"
    )
    expected = [
        ("P1", "2017-12-01", None),
        ("P1\r", "2017-11-30", "2017-12-01"),
        ("P2", "2017-11-30", None),
    ]
    assert warehouse_rows(query) == expected
    assert all(table.is_unchanged for table in system.load("2017-12-02").tables)
    assert warehouse_rows(query) == expected
    assert warehouse_rows(
        "select person_id from ops.changed_people inner join ops.loads using (load_id)"
        " where authority = 'E09940021' and night = '2017-12-01' order by 1"
    ) == [("P1",), ("P1\r",)]
