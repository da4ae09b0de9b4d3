"""`carepath work-list`: who puts what right, since when it fails, and which team has the case."""

from __future__ import annotations

import csv
import datetime as dt
import io

import psycopg
import pytest
from rich.console import Console

from carepath.quality import waivers
from carepath.quality.findings import bring_up_to_date
from carepath.quality.open_findings import HOLDS, OPEN
from carepath.terminal.work_list import (
    Filters,
    print_work_list,
    read_groups,
    read_work_list,
    write_csv,
)
from carepath.warehouse.connect import connect

ASHMERE, BROOK = "E09900001", "E09900002"
FIRST = dt.date(2019, 6, 27)
# per gate run of Ashmere: which keys failed the rule; None where it could not be evaluated
RUNS = ({"old", "back"}, {"old"}, None, {"old", "back", "new"})


def printed(filters: Filters | None = None, width: int = 100, **most: int) -> str:
    out = io.StringIO()
    print_work_list(Console(file=out, width=width), filters, **most)
    return out.getvalue()


def gate_run(loader: psycopg.Connection, authority: str, night: dt.date) -> int:
    row = loader.execute(
        "with run as (insert into ops.runs (run_id, night, state, code_version, trigger)"
        " values (%(id)s, %(night)s, 'held', 'x', 'test') on conflict do nothing),"
        " load as (insert into ops.loads (run_id, source, authority, night, state)"
        " values (%(id)s, %(authority)s, %(authority)s, %(night)s, 'loaded') returning load_id)"
        " insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision)"
        " select %(id)s, %(authority)s, 1, load_id, %(night)s, 'hold' from load"
        " returning gate_run_id",
        {"id": f"{authority} {night}", "authority": authority, "night": night},
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def judged(warehouse: None) -> None:
    """Four nights of Ashmere, one of Brook, and allocations in core; before that, nothing."""
    assert "Nothing has been judged yet" in printed()
    with connect("carepath_loader") as loader:
        for authority in (ASHMERE, BROOK):
            loader.execute("insert into ops.authorities values (%s, %s)", (authority, authority))
            loader.execute(
                "insert into ops.sources values (%s, %s, 'test')", (authority, authority)
            )
        loader.execute(
            "insert into quality.rules (rule_id, domain, entity, severity, owner, plain_words,"
            " what_to_do, reference) values ('EET-01', 'EET', 'x', 'warning',"
            " 'leaving care team manager', 'It contradicts.', 'Correct it.', 'x'),"
            " ('PER-01', 'Records', 'x', 'critical', 'BI team', 'Unknown.', 'Look.', 'x')"
        )
        runs = []
        for day, keys in enumerate(RUNS):
            run = gate_run(loader, ASHMERE, FIRST + dt.timedelta(days=day))
            state = "error" if keys is None else "failed"
            runs.append((run, keys or set(), state))
        brook = gate_run(loader, BROOK, FIRST)
        loader.execute(
            "create table core.fct_allocations (authority text, young_person_key bigint,"
            " team_key bigint, start_date date, end_date date, worker_key bigint);"
            "create table core.dim_team (team_key bigint, team_name text);"
            "create table identity.worker_identity (worker_key bigint, authority text,"
            " worker_id text, worker_name text);"
            "create table identity.person_identity"
            " (young_person_key bigint, authority text, person_id text, surname text);"
            f"insert into core.fct_allocations values"
            f" ('{ASHMERE}', 1, 7, '2019-01-01', null, 5),"
            f" ('{ASHMERE}', 1, 8, '2018-01-01', '2019-01-01', 6),"
            f" ('{ASHMERE}', 2, 9, '2019-01-01', null, 6);"
            f"insert into identity.worker_identity values (5, '{ASHMERE}', 'W5', 'Secret');"
            "insert into core.dim_team values (7, 'Leaving care east'), (8, 'Old team');"
            f"insert into identity.person_identity values (1, '{ASHMERE}', 'P-old', 'Secret'),"
            f" (2, '{ASHMERE}', 'P-new', 'Secret')"
        )
        for run, keys, state in runs:
            fail(loader, run, ASHMERE, "EET-01", keys, state=state, holds=True)
        fail(loader, brook, BROOK, "PER-01", {"=1+1"}, state="failed", holds=False)


def fail(
    loader: psycopg.Connection,
    run: int,
    authority: str,
    rule: str,
    keys: set[str],
    *,
    state: str,
    holds: bool,
) -> None:
    loader.execute(
        "insert into quality.rule_results (gate_run_id, rule_id, table_name, state, holds)"
        " values (%s, %s, 'ssd_x', %s, %s)",
        (run, rule, state, holds),
    )
    for key in keys:
        loader.execute(
            "insert into quality.failing_keys (gate_run_id, authority, rule_id, table_name,"
            " record_key, person_id) values (%s, %s, %s, 'ssd_x', %s, %s)",
            (run, authority, rule, key, f"P-{key}"),
        )
    with loader.transaction():
        bring_up_to_date(loader, run)


@pytest.mark.usefixtures("judged")
def test_failure_is_as_old_as_its_last_gap_and_an_unjudged_night_is_no_gap() -> None:
    since = {each.record_key: each.failing_since for each in read_work_list(Filters())}
    last = FIRST + dt.timedelta(days=3)
    assert since == {"old": FIRST, "back": last, "new": last, "=1+1": FIRST}


@pytest.mark.usefixtures("judged")
def test_team_is_that_of_the_allocation_open_on_the_night_and_no_name_is_shown() -> None:
    teams = {each.record_key: each.team for each in read_work_list(Filters())}
    assert teams == {
        "old": "Leaving care east", "new": "a team that is not listed", "back": None, "=1+1": None,
    }  # fmt: skip
    assert "Secret" not in printed()
    with (
        connect("carepath_steward") as steward,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        steward.execute("select * from core.fct_allocations")


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        (Filters(authority="e09900002"), {"=1+1"}),
        (Filters(rule="eet"), {"old", "back", "new"}),
        (Filters(team="care EAST"), {"old"}),
        (Filters(team="a"), {"old", "new"}),
        (Filters(owner="team manager"), {"old", "back", "new"}),
        (Filters(severity="critical"), {"=1+1"}),
        (Filters(held=True), {"old", "back", "new"}),
        (Filters(held=False), {"=1+1"}),
        (Filters(new=True), {"back", "new", "=1+1"}),
        (Filters(new=True, held=True), {"back", "new"}),
    ],
)
def test_filters_leave_what_they_say(filters: Filters, keys: set[str]) -> None:
    assert {each.record_key for each in read_work_list(filters)} == keys


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("holding", ["yes", ""])
def test_waived_findings_are_looked_up_by_a_hash(holding: str) -> None:
    """One by one they took 33 s where waivers of whole rules covered 78,000 findings."""
    condition = HOLDS if holding else f"not {HOLDS}"
    with connect("carepath_steward") as steward:
        plan = steward.execute(f"explain select kept.finding_id from {OPEN} and {condition}")
        lines = [line for (line,) in plan]
    assert any("hashed SubPlan" in line for line in lines)


@pytest.mark.usefixtures("judged")
def test_printed_list_counts_the_records_and_rules_that_it_does_not_show() -> None:
    text = printed(rules=1, limit=1)
    assert "Work list, 4 records by rule" in text
    assert "EET-01 warning, E09900001 ssd_x: 3 records" in text
    assert "2019-06-27, 3 days" in text  # the oldest
    assert "and 2 more: --limit 3, or --csv FILE" in text
    assert "PER-01" not in text
    assert "and 1 record of 1 more rule: --rules 2, or --csv FILE" in text


@pytest.mark.usefixtures("judged")
def test_csv_has_the_worst_records_first() -> None:
    found = list(read_work_list(Filters()))
    assert [(each.is_holding, each.rule_id) for each in found] == [
        (True, "EET-01"), (True, "EET-01"), (True, "EET-01"), (False, "PER-01"),
    ]  # fmt: skip
    assert [each.failing_since for each in found[:3]] == sorted(
        each.failing_since for each in found[:3]
    )


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("width", [80, 140])
def test_printed_list_says_owner_person_how_long_and_team_within_the_width(width: int) -> None:
    text = printed(Filters(held=True), width)
    for said in ("leaving care team manager", "P-old", "2019-06-27, 3 days", "2019-06-30, new"):
        assert said in text
    assert "Leaving care east" in text.replace("\n", " ") or width == 80
    assert "Leaving" in text
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.usefixtures("judged")
def test_list_says_until_when_a_record_is_waived_and_by_whom() -> None:
    with connect("carepath_steward", autocommit=True) as steward:
        (record_id,) = steward.execute(
            "select record_id from quality.findings where record_key = 'old'"
        ).fetchone()  # type: ignore[misc]
        until = dt.date(2019, 7, 31)
        number = waivers.ask(
            steward, ASHMERE, "EET-01", reason="The record is right.", until=until, by="ann",
            table="ssd_x", record_id=record_id,
        )  # fmt: skip
        waiting = " ".join(printed(width=200).split())
        assert f"not waived yet: waiver {number}, asked for by ann, waits for a second" in waiting
        waivers.approve(steward, number, "bob")
        waived = " ".join(printed(width=200).split())
        assert f"waived until 2019-07-31: waiver {number}, asked for by ann, approved by bob" in (
            waived
        )
        # the waived record is counted apart from those that hold
        groups = read_groups(steward, Filters(rule="EET"))
        assert [(each.is_holding, each.record_count) for each in groups] == [(True, 2), (False, 1)]
        out = io.StringIO()
        write_csv(out, read_work_list(Filters()))
        (old,) = (r for r in csv.DictReader(io.StringIO(out.getvalue())) if r["waiver_id"])
        assert (old["record_key"], old["waived_until"], old["waiver_approved_by"]) == (
            "old", "2019-07-31", "bob",
        )  # fmt: skip
        waivers.withdraw(steward, number, "ann", "It was a mistake.")
    assert "waiver" not in printed(width=200)


@pytest.mark.usefixtures("judged")
def test_filters_that_fit_nothing_say_so() -> None:
    assert printed(Filters(team="nowhere")) == "No failing record matches these filters.\n"


@pytest.mark.usefixtures("judged")
def test_csv_has_a_row_per_record_and_no_formula() -> None:
    out = io.StringIO()
    write_csv(out, read_work_list(Filters()))
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert {row["record_key"] for row in rows} == {"old", "back", "new", "'=1+1"}
    (old,) = (row for row in rows if row["record_key"] == "old")
    assert old["team"] == "Leaving care east"
    assert old["owner"] == "leaving care team manager"
    assert old["failing_since"] == "2019-06-27"
    assert old["is_new"] == "False"
