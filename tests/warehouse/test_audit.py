"""Who did what: kept for good, in one view, without a value of a record."""

from __future__ import annotations

import csv
import datetime as dt
import io

import psycopg
import pytest
from rich.console import Console

from carepath.audit import note, read_audit
from carepath.quality.waivers import person
from carepath.terminal.audit import print_audit, write_audit
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

AUTHORITY = "E09900001"


@pytest.fixture(scope="module", autouse=True)
def deeds(warehouse: None) -> None:
    """An export, a look, a waiver that is approved, and a changed setting."""
    with connect("carepath_owner") as owner:
        owner.execute("insert into ops.authorities values (%s, 'Invented')", [AUTHORITY])
        owner.execute(
            "insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words)"
            " values ('EET-01', 'leaving_care', 'care_leavers', 'warning', 'team', 'words')"
        )
        owner.execute("insert into ops.runs (run_id, night) values ('trial', '2019-06-30')")
        owner.execute(
            "insert into ops.site_settings (run_id, file, is_default, row_count, changed_by,"
            " changed_at) values ('trial', 'targets.csv', false, 3, 'ann', '2019-06-29')"
        )
        owner.execute(
            "insert into quality.waiver_requests"
            " (authority, rule_id, starts_on, ends_on, reason, asked_by)"
            " values (%s, 'EET-01', '2019-06-30', '2019-07-30', 'late', 'ann')",
            [AUTHORITY],
        )
        owner.execute(
            "insert into quality.waiver_events (waiver_id, event, done_by)"
            " select waiver_id, 'approved', 'ben' from quality.waiver_requests"
        )
    with connect("carepath_desk") as desk:
        desk.execute(
            "insert into quality.desk_looks (looked_by, page, authority, rule_id, table_name,"
            " record_key, record_count) values"
            " ('cat', 'rule', %s, 'EET-01', 'ssd_care_leavers', 'CASE-7', 1)",
            [AUTHORITY],
        )
    note("exported Annex A", "9 lists", AUTHORITY)


def test_audit_names_each_deed_once_and_who_did_it() -> None:
    found = {(deed.done_by, deed.what): deed for deed in read_audit()}
    assert found.keys() == {
        ("ann", "changed settings"),
        ("ann", "asked for a waiver"),
        ("ben", "approved a waiver"),
        ("cat", "looked at records"),
        (person(), "exported Annex A"),
    }
    assert len(read_audit()) == 5
    assert found["ann", "changed settings"].detail == "targets.csv"
    assert found["cat", "looked at records"].detail == "page rule, EET-01, records: 1"


def test_audit_says_no_key_of_a_record() -> None:
    file = io.StringIO()
    write_audit(file, read_audit())
    written = file.getvalue()
    assert "CASE-7" not in written
    assert len(list(csv.reader(io.StringIO(written)))) == 6
    console = Console(file=io.StringIO(), width=140)
    print_audit(console, read_audit())
    assert "exported Annex A" in console.file.getvalue()  # type: ignore[attr-defined]


def test_audit_is_read_by_day_and_person_the_newest_first() -> None:
    assert [deed.what for deed in read_audit(by="ben")] == ["approved a waiver"]
    since = dt.datetime.now(dt.UTC).date()
    recent = read_audit(since=since)
    assert len(recent) == 4
    assert [deed.done_at for deed in recent] == sorted(
        (deed.done_at for deed in recent), reverse=True
    )
    assert read_audit(limit=1) == recent[:1]


@pytest.mark.parametrize("role", ["carepath_owner", "carepath_loader", "carepath_analyst"])
@pytest.mark.parametrize(
    "statement",
    [
        "update ops.audit_events set done_by = 'nobody'",
        "delete from ops.audit_events",
        "truncate ops.audit_events",
        "delete from ops.audit",
    ],
)
def test_audit_is_changed_by_no_role(role: str, statement: str) -> None:
    before = read_audit()
    with (
        connect(role) as connection,
        pytest.raises(
            (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
        ),
    ):
        connection.execute(statement)
    assert read_audit() == before


@pytest.mark.parametrize("role", ["bi_reader", "carepath_steward", "carepath_caseload"])
def test_audit_is_not_read_by_readers_of_figures(role: str) -> None:
    with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from ops.audit")
