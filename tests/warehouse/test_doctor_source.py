"""`carepath doctor --source`: what a source holds, in counts, from three kinds of database."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from mariadb_server import MariaDB
from rich.console import Console
from small_recording_system import TABLES, SmallRecordingSystem, sqlite_file

from carepath import doctor
from carepath.settings import get_settings
from carepath.sources import SourceSpec, write_sources
from carepath.terminal.doctor import print_examination

# activity and review date of care leavers, each with the number of records
LEAVERS: Sequence[tuple[str | None, str | None, int]] = (
    ("F2", "2017-05-01", 2),
    ("\u200bF2\r\n", "2017-05-01", 1),
    ("f5 - as they say it", "2018-05-01", 1),
    ("Q9", "2018-05-01", 12),
    ("q9 ", "2091-05-01", 1),
    ("Rosa Invented", None, 15),
    ("987654", None, 15),
    ("X\t\\ Y", None, 1),
    (None, "1900-01-01", 2),
    ("  ", None, 2),
)
INSERT = (
    "insert into ssd_care_leavers (clea_table_id, clea_person_id, clea_care_leaver_eligibility,"
    " clea_care_leaver_activity, clea_care_leaver_latest_contact)"
)
SECRETS = ("Rosa", "987654", "Individual", "P0", "X\t")


def leavers() -> Iterator[tuple[str, str, str, str | None, str | None]]:
    number = 0
    for activity, day, times in LEAVERS:
        for _ in range(times):
            yield str(number), f"P0{number}", "Former Relevant", activity, day
            number += 1


CONTACT = (
    "insert into ssd_contacts (cont_contact_id, cont_person_id, cont_contact_date,"
    " cont_contact_source_code) values ({0}, {0}, '2017-01-01', '1A')"
)
CONTACTS = [(f"C{n}", f"P{n}") for n in range(4)]


def in_postgresql(_: Path, __: pytest.FixtureRequest) -> SourceSpec:
    system = SmallRecordingSystem("doctor_source", "E09900776")
    for row in leavers():
        system.execute(f"{INSERT} values (%s, %s, %s, %s, %s)", row)
    system.add_contacts(4)
    return system.spec


def in_sqlite(folder: Path, _: pytest.FixtureRequest) -> SourceSpec:
    with sqlite_file(folder / "source.db") as connection:
        connection.executemany(f"{INSERT} values (?, ?, ?, ?, ?)", leavers())
        connection.executemany(CONTACT.format("?"), CONTACTS)
    connection.close()
    return spec_of("doctor-sqlite", "E09900775", f"sqlite:///{folder / 'source.db'}")


def in_mariadb(_: Path, request: pytest.FixtureRequest) -> SourceSpec:
    server: MariaDB = request.getfixturevalue("mariadb")
    server.run(
        [
            "create database doctor character set utf8mb4",
            "create user doctor@'127.0.0.1' identified by 'pw'",
            "grant select on doctor.* to doctor@'127.0.0.1'",
        ]
    )
    with closing(server.connect("doctor")) as connection, connection.cursor() as cursor:
        for name, columns in TABLES.items():
            cursor.execute(f"create table {name} ({columns.replace('timestamp', 'datetime')})")
        cursor.executemany(f"{INSERT} values (%s, %s, %s, %s, %s)", list(leavers()))
        cursor.executemany(CONTACT.format("%s"), CONTACTS)
    return spec_of("doctor-mariadb", "E09900774", server.url("doctor", user="doctor"))


def spec_of(name: str, authority: str, url: str) -> SourceSpec:
    return SourceSpec(name, authority, "Invented", url, spelling="liquidlogic", is_partial=True)


@pytest.fixture(
    scope="module",
    params=[in_postgresql, in_sqlite, in_mariadb],
    ids=["postgresql", "sqlite", "mariadb"],
)
def source(
    request: pytest.FixtureRequest, warehouse: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    make: Callable[[Path, pytest.FixtureRequest], SourceSpec] = request.param
    spec = make(tmp_path_factory.mktemp("doctor"), request)
    write_sources([spec])
    yield spec.name
    get_settings().sources_file.unlink()


def printed(width: int, source: str, *, full: bool = False) -> str:
    out = io.StringIO()
    assert print_examination(Console(file=out, width=width), source, full=full) in (True, False)
    return out.getvalue()


def test_unknown_codes_are_counted_and_only_codes_are_shown(source: str) -> None:
    contents = {each.table: each for each in doctor.examine_source(source).contents}
    leavers = contents["ssd_care_leavers"]
    assert leavers.row_count == 52
    (activity,) = leavers.unknown_codes
    assert activity.column == "clea_care_leaver_activity"
    assert (activity.record_count, activity.value_count) == (44, 4)
    assert activity.shown == {"Q9": 13}
    assert contents["ssd_contacts"].unknown_codes == ()


def test_records_are_counted_by_year_and_those_without_a_date_apart(source: str) -> None:
    contents = {each.table: each for each in doctor.examine_source(source).contents}
    leavers = contents["ssd_care_leavers"]
    assert leavers.date_column == "clea_care_leaver_latest_contact"
    assert leavers.years == {2017: 3, 2018: 13, 2091: 1}
    assert leavers.undated_count == 35
    assert contents["ssd_contacts"].years == {2017: 4}


def test_tables_that_are_not_delivered_leave_rules_and_measures_without_data(source: str) -> None:
    found = doctor.examine_source(source)
    assert {each.table for each in found.contents} == set(TABLES)
    measures = {each.code for each in found.measures}
    assert "looked_after_children" in measures
    assert "contacts" not in measures
    rules = {each.code for each in found.rules}
    assert "NEED-21" in rules
    assert found.is_partial


@pytest.mark.parametrize("width", [80, 140])
def test_examination_reads_well_and_shows_no_value_of_a_record(source: str, width: int) -> None:
    text = printed(width, source)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "Q9 (13)" in text
    assert "2017: 3" in text
    assert "To list each rule and measure, add --full." in text
    assert "Children looked after" not in text
    whole = printed(width, source, full=True)
    assert max(map(len, whole.splitlines())) <= width
    assert "NEED-21" in whole
    for secret in SECRETS:
        assert secret not in text
        assert secret not in whole
