"""Waivers and decisions on a real PostgreSQL, through gate 1 and the command line."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import scratch_staging as staging
from rich.console import Console

from carepath.errors import WaiverError
from carepath.quality import waivers
from carepath.quality.decision import Decision
from carepath.quality.records import gate
from carepath.quality.waivers import Accepted, accept, approve, ask, lost_rows_waived, withdraw
from carepath.terminal.waivers import Wanted, approve_each, ask_for, print_waivers, withdraw_one
from carepath.warehouse.connect import connect
from expectations.register import rules

pytestmark = pytest.mark.usefixtures("warehouse")

NIGHT, HERE = staging.NIGHT, staging.AUTHORITY
DAY = dt.timedelta(days=1)
TABLE = "ssd_care_leavers"
CHOSEN = tuple(rule for rule in rules() if rule.rule_id in ("CL-06", "REC-01"))
# which person asks and approves
ANN, BOB = "ann", "bob"


@pytest.fixture
def loader() -> Iterator[psycopg.Connection[Any]]:
    """A load in which four care leavers in custody have suitable accommodation: CL-06 holds."""
    with connect("carepath_loader", autocommit=True) as connection:
        staging.create(connection)
        staging.load(connection)
        for n in range(4):
            staging.care_leaver(connection, f"P{n}", accommodation_code="X", suitability_code="1")
        yield connection
        with connect("carepath_steward", autocommit=True) as steward:
            for waiver in waivers.read_waivers(steward):
                if waiver.withdrawn_by is None:
                    withdraw(steward, waiver.waiver_id, "test", "The test has ended.")


def judged(loader: psycopg.Connection[Any]) -> Decision:
    return gate.run_gate("run", staging.latest_load(loader), rules=CHOSEN)


def record_id(loader: psycopg.Connection[Any], key: str, rule: str = "CL-06") -> str:
    row = loader.execute(
        "select record_id::text from quality.findings where record_key = %s and rule_id = %s",
        (key, rule),
    ).fetchone()
    assert row is not None
    return str(row[0])


def waive(loader: psycopg.Connection[Any], rule: str = "CL-06", **more: Any) -> int:
    """Ask for a waiver as ann; by default of the whole rule for this night."""
    return ask(loader, HERE, rule, **{"reason": "It is right.", "until": NIGHT, "by": ANN, **more})


def of_record(loader: psycopg.Connection[Any], key: str = "P0") -> dict[str, Any]:
    return {"table": TABLE, "record_id": record_id(loader, key)}


def test_waiver_of_one_record_changes_the_decision_and_hides_nothing(
    loader: psycopg.Connection[Any],
) -> None:
    held = judged(loader)
    assert not held.passed
    number = waive(loader, **of_record(loader))
    approve(loader, number, BOB)
    passed = judged(loader)
    assert passed.passed, passed.reasons
    with connect("carepath_steward") as steward:
        listed = steward.execute(
            "select record_key, is_holding, waiver_id, waiver_state from quality.work_list"
            " where rule_id = 'CL-06' order by record_key"
        ).fetchall()
        reasons = steward.execute(
            "select state, holds, failing_count, reasons.waived_count, allowed_share,"
            " allowed_count, waiver_ids from quality.decision_reasons as reasons"
            " inner join quality.decisions using (decision_id)"
            " where gate_run_id = %s and state = 'failed'",
            (passed.gate_run_id,),
        ).fetchall()
    assert listed == [
        ("P0", False, number, "counts"),
        *((f"P{n}", False, None, None) for n in (1, 2, 3)),
    ]
    assert reasons == [("failed", False, 4, 1, 0.02, 3, [number])]
    # figures still leave the record out: core reads the failing keys
    kept = loader.execute(
        "select count(*) from quality.failing_keys where gate_run_id = %s", (passed.gate_run_id,)
    ).fetchone()
    assert kept == (4,)


def test_waiver_that_a_second_person_has_not_approved_does_not_count(
    loader: psycopg.Connection[Any],
) -> None:
    judged(loader)
    number = waive(loader, **of_record(loader))
    assert not judged(loader).passed
    for same in (ANN, " Ann ", "ANN"):
        with pytest.raises(WaiverError, match="another person must approve it"):
            approve(loader, number, same)
    assert not judged(loader).passed
    approve(loader, number, BOB)
    assert judged(loader).passed
    with pytest.raises(WaiverError, match="was approved before"):
        approve(loader, number, "cat")


@pytest.mark.parametrize(
    ("since", "until", "passes"),
    [
        (NIGHT, NIGHT, True),
        (NIGHT - 5 * DAY, NIGHT + 5 * DAY, True),
        (NIGHT - 5 * DAY, NIGHT - DAY, False),
        (NIGHT + DAY, NIGHT + 5 * DAY, False),
    ],
)
def test_waiver_of_a_rule_counts_from_its_first_to_its_last_night(
    loader: psycopg.Connection[Any], since: dt.date, until: dt.date, passes: bool
) -> None:
    judged(loader)
    approve(loader, waive(loader, since=since, until=until), BOB)
    assert judged(loader).passed is passes


def test_waiver_of_another_record_rule_table_or_authority_changes_nothing(
    loader: psycopg.Connection[Any],
) -> None:
    loader.execute("insert into ops.authorities values ('E09900002', 'Brook') on conflict"
                   " do nothing")  # fmt: skip
    judged(loader)
    for number in (
        waive(loader, "REC-01"),
        waive(loader, table="ssd_person"),
        ask(loader, "E09900002", "CL-06", reason="x", until=NIGHT, since=NIGHT, by=ANN),
    ):
        approve(loader, number, BOB)
    assert not judged(loader).passed


def test_waiver_that_was_withdrawn_never_counts_again(loader: psycopg.Connection[Any]) -> None:
    judged(loader)
    number = waive(loader)
    approve(loader, number, BOB)
    assert judged(loader).passed
    withdraw(loader, number, ANN, "The record is wrong after all.")
    assert not judged(loader).passed
    with pytest.raises(WaiverError, match="was withdrawn before"):
        approve(loader, number, "cat")


def test_two_waivers_of_one_record_count_once(loader: psycopg.Connection[Any]) -> None:
    staging.care_leaver(loader, "P4", accommodation_code="X", suitability_code="1")
    judged(loader)  # five fail, three may: one waived record is not enough
    for _ in range(2):
        approve(loader, waive(loader, **of_record(loader)), BOB)
    assert not judged(loader).passed
    approve(loader, waive(loader, **of_record(loader, "P1")), BOB)
    assert judged(loader).passed


def test_waiver_does_not_help_a_rule_that_did_not_run(loader: psycopg.Connection[Any]) -> None:
    judged(loader)
    approve(loader, waive(loader), BOB)
    loader.execute("alter table staging.stg_care_leavers drop column suitability_code cascade")
    held = judged(loader)
    assert not held.passed
    state = loader.execute(
        "select reasons.state, reasons.holds, decisions.rules_not_run"
        " from quality.decision_reasons as reasons"
        " inner join quality.decisions using (decision_id)"
        " where gate_run_id = %s and rule_id = 'CL-06'",
        (held.gate_run_id,),
    ).fetchall()
    assert state == [("error", True, 1)]


def test_one_person_decides_where_the_council_says_so(loader: psycopg.Connection[Any]) -> None:
    judged(loader)
    number = waive(loader)
    loader.execute("update quality.decision_settings set one_person_decides = true")
    try:
        assert judged(loader).passed
        with pytest.raises(WaiverError, match="another person must approve it"):
            approve(loader, number, ANN)
    finally:
        loader.execute("update quality.decision_settings set one_person_decides = false")
    assert not judged(loader).passed


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"reason": " "}, "A reason or a name is blank"),
        ({"by": ""}, "A reason or a name is blank"),
        ({"since": NIGHT, "until": NIGHT - DAY}, "ends before its first night"),
        ({"since": NIGHT, "until": NIGHT + 400 * DAY}, "a year at most"),
        ({"rule": "EET-99"}, "no such rule"),
        ({"table": TABLE, "record_id": "00000000-0000-0000-0000-000000000000"}, "has no finding"),
    ],
)
def test_waiver_that_makes_no_sense_is_refused(
    loader: psycopg.Connection[Any], more: dict[str, Any], says: str
) -> None:
    judged(loader)
    with pytest.raises(WaiverError, match=says):
        waive(loader, **more)


TABLES = ("decisions", "decision_reasons", "waiver_requests", "waiver_events", "desk_looks")


@pytest.mark.parametrize("role", ["carepath_loader", "carepath_desk", "carepath_owner"])
@pytest.mark.parametrize("table", TABLES)
def test_what_was_decided_cannot_be_changed_or_deleted(
    loader: psycopg.Connection[Any], role: str, table: str
) -> None:
    judged(loader)
    approve(loader, waive(loader), BOB)
    with connect("carepath_desk") as desk:
        desk.execute("insert into quality.desk_looks (looked_by, page) values ('ann', 'x')")
    column = {"decisions": "message", "decision_reasons": "says", "waiver_requests": "reason",
              "waiver_events": "reason", "desk_looks": "page"}[table]  # fmt: skip
    for statement in (
        f"update quality.{table} set {column} = 'changed'",
        f"delete from quality.{table}",
        f"truncate quality.{table} cascade",
    ):
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize("role", ["carepath_loader", "carepath_steward", "carepath_desk"])
@pytest.mark.parametrize("table", ["waiver_requests", "waiver_events"])
def test_waivers_are_written_by_the_functions_only(
    loader: psycopg.Connection[Any], role: str, table: str
) -> None:
    with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"insert into quality.{table} default values")


def test_desk_reads_findings_and_calls_the_functions_and_reads_no_record(
    loader: psycopg.Connection[Any],
) -> None:
    judged(loader)
    with connect("carepath_desk", autocommit=True) as desk:
        for table in ("findings", "work_list", "waivers", "decisions", "decision_reasons"):
            desk.execute(f"select * from quality.{table}")
        number = ask(desk, HERE, "CL-06", reason="x", until=NIGHT, by=ANN)
        approve(desk, number, BOB)
        for secret in ("staging.stg_person", "quality.key_salt", "ops.loads"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                desk.execute(f"select * from {secret}")
    assert judged(loader).passed


def test_what_a_night_accepts_becomes_waivers_that_wait_for_a_second_person(
    loader: psycopg.Connection[Any],
) -> None:
    judged(loader)
    accepted = Accepted(["kpi_eet", "2019-05-31"], ["ssd_contacts"], "A merger.", ANN)
    with pytest.raises(WaiverError, match="second person") as refused:
        accept(loader, [HERE], NIGHT, accepted)
    assert lost_rows_waived(loader, HERE, NIGHT) == ([], set())
    listed = [w for w in waivers.read_waivers(loader, HERE) if w.state == "waiting"]
    assert {(w.rule_id, w.table_name, w.figure, w.reason) for w in listed} >= {
        ("KPI-06", None, "kpi_eet", "A merger."),
        ("KPI-08", None, "2019-05-31", "A merger."),
        ("LOAD-01", "ssd_contacts", None, "A merger."),
    }
    assert "carepath approve" in str(refused.value)
    for waiver in listed:
        approve(loader, waiver.waiver_id, BOB)
    ids = sorted(waiver.waiver_id for waiver in listed)
    # asked for again, the same waivers count
    assert sorted(accept(loader, [HERE], NIGHT, accepted)) == ids
    assert lost_rows_waived(loader, HERE, NIGHT)[1] == {"ssd_contacts"}
    assert lost_rows_waived(loader, HERE, NIGHT + DAY)[1] == set()


def test_command_line_asks_lists_approves_and_withdraws(
    loader: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(loader)
    out = io.StringIO()
    console = Console(file=out, width=200)
    monkeypatch.setenv("SUDO_USER", "ann")
    number = ask_for(console, Wanted("CL-06", "He is at home.", NIGHT, record_key="P0"))
    with pytest.raises(WaiverError, match="another person"):
        approve_each(console, [number])
    monkeypatch.setenv("SUDO_USER", "bob")
    approve_each(console, [number])
    print_waivers(console, HERE)
    text = out.getvalue()
    assert f"carepath approve {number}" in text
    assert f"CL-06, {TABLE} P0" in text
    assert "He is at home." in text
    withdraw_one(console, number, "He has moved.")
    out.truncate(0)
    print_waivers(console, HERE)
    assert "P0" not in out.getvalue()
    print_waivers(console, HERE, everything=True)
    assert "withdrawn" in out.getvalue()
    with pytest.raises(WaiverError, match="No record with this key"):
        ask_for(console, Wanted("CL-06", "x", NIGHT, record_key="P9"))
