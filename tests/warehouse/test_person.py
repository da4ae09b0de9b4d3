"""Subject access: one file with every copy of what is held about a canary child."""

from __future__ import annotations

import datetime as dt
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary_child import (
    AUTHORITY,
    CASE,
    WORD,
    CanarySystem,
    canary_key,
    judge_only,
    rows,
    run_night,
    tables_that_say,
)
from click.testing import Result
from typer.testing import CliRunner

from carepath.audit import read_audit
from carepath.cli import app
from carepath.contract import load_contract
from carepath.errors import CarepathError
from carepath.night import lock
from carepath.person import ABOUT_NOBODY, PARENTS, export_people, export_person
from carepath.quality.waivers import person as who_runs_this
from carepath.settings import get_settings
from carepath.sources import write_sources
from carepath.warehouse.connect import connect

FIRST, SECOND = dt.date(2019, 6, 27), dt.date(2019, 6, 28)


@pytest.fixture(scope="module")
def nights(staged_warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A published night, and one that finds a fault in the canary's records; then a waiver.

    Beside them a schema as of the first night.
    """
    system = CanarySystem(tmp_path_factory.mktemp("source") / "whole.sqlite")
    write_sources([system.spec])
    with lock.driving():
        assert run_night("first", FIRST) == "published"
        system.contradict_canary()
        judge_only("second", SECOND)
        with connect("carepath_owner") as owner:
            owner.execute(
                "select quality.approve_waiver(quality.ask_waiver(authority, rule_id, 'late',"
                " '2019-07-30', 'ann', table_name, record_id), 'ben')"
                " from quality.kept_findings where person_id = %s",
                [CASE],
            )
        with connect("carepath_desk") as desk:
            desk.execute(
                "insert into quality.desk_looks (looked_by, page, authority, rule_id, table_name,"
                " record_key, record_count) select 'cat', 'record', authority, rule_id, table_name,"
                " record_key, 1 from quality.kept_findings where person_id = %s",
                [CASE],
            )
    with connect("carepath_loader") as loader:  # what `carepath as-known-at` makes, of one table
        loader.execute("create schema core_as_known_20190627")
        loader.execute(
            "create table core_as_known_20190627.dim_young_person as table core.dim_young_person"
        )
    yield
    get_settings().sources_file.unlink()


@pytest.fixture(scope="module")
def exported(nights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file about the canary."""
    path = tmp_path_factory.mktemp("access") / "person.json"
    export_person(AUTHORITY, f" {CASE.lower()} ", path)
    return path


def test_file_lists_every_row_that_a_search_of_the_whole_database_finds(exported: Path) -> None:
    listed = {
        f"{table['schema']}.{table['table']}": len(table["rows"])
        for table in json.loads(exported.read_text(encoding="utf-8"))["tables"]
    }
    found = tables_that_say(WORD, str(canary_key()))
    # an approval names no record: it belongs to the request
    assert listed.pop("quality.waiver_events") == listed["quality.waiver_requests"]
    assert listed == found
    assert {name.partition(".")[0] for name in found} >= {
        "landing", "history", "core", "core_as_known_20190627", "identity", "marts", "marts_build",
        "quality", "ops",
    }  # fmt: skip
    assert {
        "quality.kept_findings", "quality.failing_keys", "quality.waiver_requests",
        "quality.desk_looks", "identity.person_identity", "ops.changed_people",
        "history.ssd_ehcp_named_plan__e09900001", "history.ssd_sen_need__e09900001",
        "history.ssd_assessment_factors__e09900001", "history.local_placement_costs__e09900001",
        "history.ssd_involvements__e09900001", "history.ssd_mother__e09900001",
    } <= listed.keys()  # fmt: skip


def test_file_has_each_version_with_its_nights_and_the_life_of_the_finding(exported: Path) -> None:
    tables = {
        (table["schema"], table["table"]): table["rows"]
        for table in json.loads(exported.read_text(encoding="utf-8"))["tables"]
    }
    versions = tables["history", "local_eet_status__e09900001"]
    assert sorted((row["known_from"], row["known_to"], row["eets_status"]) for row in versions) == [
        ("2019-06-27", "2019-06-28", "EET"),
        ("2019-06-28", None, "NEET"),
    ]
    findings = rows("select count(*) from quality.kept_findings where person_id = %s", CASE)
    assert [(len(tables["quality", "kept_findings"]),)] == findings != [(0,)]
    assert {row["done_by"] for row in tables["quality", "waiver_events"]} == {"ben"}
    assert {row["looked_by"] for row in tables["quality", "desk_looks"]} == {
        "cat",
        who_runs_this(),
    }


def test_file_says_nothing_about_another_person(exported: Path) -> None:
    text = exported.read_text(encoding="utf-8")
    # P1 is the mother in a record about both
    assert re.findall(r'"(P[1-8])"', text).count("P1") == text.count('"P1"')
    assert not re.search(r'"P[2-8]"', text)


def test_file_is_for_its_owner_only_and_is_never_overwritten(exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    before = exported.read_bytes()
    with pytest.raises(CarepathError, match="not overwritten"):
        export_person(AUTHORITY, CASE, exported)
    assert exported.read_bytes() == before


def test_page_to_read_has_the_same_rows(exported: Path, tmp_path: Path) -> None:
    page = tmp_path / "person.html"
    written = export_person(AUTHORITY, CASE, page)
    text = page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert text.count("<h2>") == len(written.rows)
    assert f"Surname{WORD}" in text


def test_audit_says_who_exported_and_the_looks_say_whom(exported: Path) -> None:
    deeds = [deed for deed in read_audit() if deed.what == "exported what is held about a person"]
    assert {(deed.done_by, deed.authority) for deed in deeds} == {(who_runs_this(), AUTHORITY)}
    assert not any(WORD in deed.detail for deed in read_audit())
    looks = rows(
        "select looked_by, authority, record_key from quality.desk_looks"
        " where page = 'subject access'"
    )
    assert set(looks) == {(who_runs_this(), AUTHORITY, CASE)}


@pytest.mark.parametrize(("authority", "case"), [(AUTHORITY, "P99"), ("E09900002", CASE)])
def test_person_who_is_not_known_is_refused_and_nothing_is_written(
    exported: Path, tmp_path: Path, authority: str, case: str
) -> None:
    before = len(read_audit())
    with pytest.raises(CarepathError, match="Nothing is held") as refused:
        export_person(authority, case, tmp_path / "none.json")
    assert case not in str(refused.value)
    assert not (tmp_path / "none.json").exists()
    assert len(read_audit()) == before


def exports() -> int:
    """Return how many lines of the audit say that somebody exported what is held."""
    return [deed.what for deed in read_audit()].count("exported what is held about a person")


def person(*options: object) -> Result:
    return CliRunner().invoke(app, ["person", "--authority", AUTHORITY, *map(str, options)])


def test_several_people_get_a_file_each_with_an_audit_line_each(
    exported: Path, tmp_path: Path
) -> None:
    ids, folder = tmp_path / "ids.txt", tmp_path / "requests"
    ids.write_text(f"\ufeff{CASE.lower()}\n\n p2 \nP2\n", encoding="utf-8")
    before = exports()
    done = person("--case", "P3", "--cases", ids, "--to", folder)
    assert done.exit_code == 0
    files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.iterdir()}
    assert files.keys() == {f"{CASE}.json", "P2.json", "P3.json"}
    assert {file["about"]["case_id"] for file in files.values()} == {CASE, "P2", "P3"}
    rows = sum(file["about"]["rows"] for file in files.values())
    said = " ".join(done.output.split())
    assert f"{rows:,} rows about 3 people written to {folder}." in said
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert exports() == before + 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids.txt", "requests"]
    assert "not overwritten" in str(person("--cases", ids, "--to", folder).exception)


def test_people_who_are_not_known_are_named_and_nothing_is_written(
    exported: Path, tmp_path: Path
) -> None:
    before = len(read_audit())
    done = person("--case", CASE, "--case", "P98", "--case", "P99", "--to", tmp_path / "requests")
    assert "Nothing is held about 2 of 3 people" in str(done.exception)
    assert "P98" not in str(done.exception)  # it may be logged
    assert "Nothing is held about P98." in done.output
    assert "Nothing is held about P99." in done.output
    assert list(tmp_path.iterdir()) == []
    assert len(read_audit()) == before


def test_export_of_several_people_that_fails_leaves_nothing_behind(
    exported: Path, tmp_path: Path
) -> None:
    def begun(number: int, _: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_people(AUTHORITY, [CASE, "P2"], tmp_path / "requests", begun=begun)
    assert list(tmp_path.iterdir()) == []


def test_file_without_a_case_id_is_refused(tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_bytes(b"\xff\xfe\xff")
    done = person("--cases", ids, "--to", tmp_path / "requests")
    assert "no case id that can be read" in str(done.exception)


def test_every_table_of_the_contract_names_a_person_has_a_parent_or_is_about_nobody() -> None:
    contract = load_contract()
    children = {parent.table for parent in PARENTS}
    for table in contract.tables.values():
        assert (
            (table.person_column is not None) + (table.name in ABOUT_NOBODY) == 1
        ) or table.name in children, table.name
    for parent in PARENTS:
        assert parent.column in contract.tables[parent.table].column_names
        assert parent.its_column in contract.tables[parent.parent].column_names
    # a record that may come without its person is found through another one
    may_be_blank = {
        table.name
        for table in contract.tables.values()
        if table.person_column
        and any(spelling.absent for spelling in table.column(table.person_column).vendors.values())
    }
    assert may_be_blank - {"ssd_family"} <= children
