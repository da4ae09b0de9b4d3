"""The demonstration, whole: the real command, the real DAG, two authorities, four nights.

The first authority carries the report's figures and is held on the second night; the other is not.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_queries import DocumentedQuery, as_shown, queries_of

from carepath.settings import get_settings
from carepath.sources.demo.reconciliation import reconcile
from carepath.sources.demo.report import report_figures
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect

ASHMERE, OTHER = "E09900001", "E09900002"
DOCUMENTED = queries_of("journey.md")
BASELINE, MUDDLED, FOLLOW_UP = dt.date(2017, 11, 30), dt.date(2019, 6, 27), dt.date(2019, 6, 30)
COHORT_END = dt.date(2019, 9, 30)


def carepath(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the demonstration's home."""
    return subprocess.run(
        [sys.executable, "-c", "from carepath.cli import main; main()", *arguments],
        env={**os.environ, "CAREPATH_HOME": str(get_settings().home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
    )


def rows(role: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a role reads."""
    with connect(role) as connection:
        return connection.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `carepath demo --scale 2` prints, in a home of its own."""
    settings = get_settings()
    suite, settings.home = settings.home, tmp_path_factory.mktemp("demo") / "home"
    for folder in (settings.home.parent, *settings.home.parents[1:3]):
        folder.chmod(0o755)  # as root, PostgreSQL runs as another account, which passes through
    try:
        done = carepath("demo", "--scale", "2")
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        yield done.stdout
    finally:
        embedded.destroy()
        settings.home = suite


def test_demo_prints_each_night_and_explains_every_figure(told: str) -> None:
    assert told.count("Outcome: published") == 3
    assert told.count("Outcome: partly") == 1
    assert f"of {len(report_figures())} figures equal the report's" in told
    assert "0 are unexplained" in told
    assert "What to do" in told


def test_demo_figures_differ_only_where_the_report_contradicts_itself(told: str) -> None:
    lines = list(reconcile(ASHMERE))
    assert [line.report for line in lines if not line.is_explained] == []
    differing = {(line.report.table, line.report.measure) for line in lines if not line.equal}
    assert differing == {
        ("T2", "purposefulness"),  # no whole scores have this mean and standard deviation
        ("T4", "plan now: early help"),  # 3 of 67 printed as 5 %
        ("T4", "stepped down or closed"),  # 52 of 67 printed as 77 %
        ("T5", "on a CiN or CP plan at start"),  # 67 for 65
        ("T5", "on a CiN or CP plan now"),  # 23 for 22
        ("T5", "reduction in children on a plan"),
        ("T5", "savings in 6 months"),
        ("T5", "annualised savings"),
        ("T6", "children on the programme"),  # 13 for 11
        ("WAI", "total"),  # 17.62 for 17.63
    }


def test_demo_snapshot_rebuilt_as_known_then_is_the_one_stored_then(told: str) -> None:
    done = carepath("as-known-at", "--date", FOLLOW_UP.isoformat())

    assert done.returncode == 0, done.stdout + done.stderr
    query = (
        "select to_jsonb(s) from {}.fct_leaving_care_snapshot as s where authority = %s"
        " and snapshot_date <= %s order by snapshot_date, young_person_key"
    )
    then = rows(
        "carepath_analyst", query.replace("{}", "core_as_known_20190630"), ASHMERE, FOLLOW_UP
    )
    now = rows("carepath_analyst", query.replace("{}", "core"), ASHMERE, FOLLOW_UP)
    of_day = [row for row in now if row[0]["snapshot_date"] == FOLLOW_UP.isoformat()]
    assert len(of_day) == 265
    assert [row for row in then if row[0]["snapshot_date"] == FOLLOW_UP.isoformat()] == of_day


def test_demo_gate_held_one_authority_and_let_the_other_go_on(told: str) -> None:
    decisions = rows(
        "carepath_analyst",
        "select authority, night, decision from quality.gate_runs where gate = 1"
        " order by night, authority",
    )
    assert decisions == [
        (ASHMERE, BASELINE, "pass"),
        (OTHER, BASELINE, "pass"),
        (ASHMERE, MUDDLED, "hold"),
        (OTHER, MUDDLED, "pass"),
        (ASHMERE, FOLLOW_UP, "pass"),
        (OTHER, FOLLOW_UP, "pass"),
        (ASHMERE, COHORT_END, "pass"),
        (OTHER, COHORT_END, "pass"),
    ]
    published = rows(
        "carepath_analyst",
        "select authority, night from ops.publications order by authority, publication_id",
    )
    assert published == [
        (ASHMERE, BASELINE),
        (ASHMERE, FOLLOW_UP),
        (ASHMERE, COHORT_END),
        (OTHER, BASELINE),
        (OTHER, MUDDLED),
        (OTHER, FOLLOW_UP),
        (OTHER, COHORT_END),
    ]


def test_demo_hold_names_the_contradicting_records(told: str) -> None:
    failing = rows(
        "carepath_steward",
        "select r.rule_id, count(*) from quality.failing_keys as r"
        " join quality.gate_runs as g using (gate_run_id)"
        " where g.authority = %s and g.night = %s and r.rule_id like 'EET-%%'"
        " group by r.rule_id order by r.rule_id",
        ASHMERE,
        MUDDLED,
    )
    assert {rule for rule, _ in failing} == {"EET-01", "EET-02", "EET-03"}
    assert sum(count for _, count in failing) >= 20


def test_demo_history_knows_what_was_known_on_the_held_night(told: str) -> None:
    corrected = rows(
        "carepath_analyst",
        "select count(*) from history.ssd_care_leavers where authority = %s"
        " and known_from <= %s and known_to = %s",
        ASHMERE,
        MUDDLED,
        FOLLOW_UP,
    )
    assert corrected[0][0] > 0


def test_demo_leaves_no_value_of_a_record_in_logs_or_xcoms(told: str) -> None:
    with connect("recording_reader", "recording_system") as connection:
        private = {
            value
            for row in connection.execute(
                "select pers_forename || ' ' || pers_surname, pers_upn"
                " from la_e09900001.ssd_person limit 5000"
            )
            for value in row
            if value and len(value) > 8
        }
    assert len(private) > 1000
    settings = get_settings()
    written = [path for path in settings.logs.rglob("*") if path.is_file()]
    assert written
    for path in written:
        text = path.read_text(errors="replace")
        assert not [value for value in private if value in text], path
    with connect("airflow_meta", "airflow") as connection:
        xcoms = [str(value) for (value,) in connection.execute("select value from xcom")]
    assert xcoms
    assert not [value for value in private for text in xcoms if value in text]


def test_demo_repeated_night_changes_nothing(told: str) -> None:
    before = rows("bi_reader", "select t::text from marts.kpi_eet as t order by 1")
    versions = rows("carepath_analyst", "select count(*) from history.ssd_involvements")

    done = carepath("run", "--date", COHORT_END.isoformat())

    assert done.returncode == 0, done.stdout + done.stderr
    assert rows("bi_reader", "select t::text from marts.kpi_eet as t order by 1") == before
    assert rows("carepath_analyst", "select count(*) from history.ssd_involvements") == versions


def test_demo_earlier_night_is_refused_and_the_marts_stay(told: str) -> None:
    before = rows("bi_reader", "select t::text from marts.publication as t order by 1")

    done = carepath("run", "--date", "2019-06-29", "--source", "demo-e09900001")

    assert done.returncode == 1
    assert "earlier" in done.stdout
    assert "What to do" in done.stdout
    assert rows("bi_reader", "select t::text from marts.publication as t order by 1") == before


def test_demo_warehouse_as_known_at_a_past_day_shows_the_contradictions(told: str) -> None:
    done = carepath("as-known-at", "--date", "2019-06-28")

    assert done.returncode == 0, done.stdout + done.stderr
    query = (
        "select count(*) from {}.fct_leaving_care_snapshot where authority = %s"
        " and is_open_case and eet_status_code = 'EET' and activity_code like 'G%%'"
        " and snapshot_date = (select max(snapshot_date) from {}.fct_leaving_care_snapshot)"
    )
    then = rows("carepath_analyst", query.replace("{}", "core_as_known_20190628"), ASHMERE)
    now = rows("carepath_analyst", query.replace("{}", "core"), ASHMERE)
    assert then[0][0] > now[0][0]


def test_demo_rollback_returns_the_figures_of_the_night_before(told: str) -> None:
    # the last publication changed nothing, so the one before it is the same night
    done = carepath("rollback", OTHER)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rolled back" in done.stdout
    kinds = rows("bi_reader", "select kind from marts.publication where authority = %s", OTHER)
    assert kinds == [("rollback",)]
    again = carepath("rollback", OTHER)
    assert again.returncode == 1
    assert "What to do" in again.stderr


def test_demo_status_and_work_list_are_readable(told: str) -> None:
    status, work = carepath("status"), carepath("work-list")
    assert "Last nights" in status.stdout
    assert "What the marts hold" in status.stdout
    assert work.returncode == 0
    assert "what to do" in work.stdout


def test_demo_doctor_finds_all_well(told: str) -> None:
    done = carepath("doctor", "--source", "all")
    assert done.returncode == 0, done.stdout
    assert "MEND" not in done.stdout


def test_demo_refuses_a_warehouse_with_a_real_source(told: str, tmp_path: Path) -> None:
    with connect("carepath_loader") as connection:
        connection.execute(
            "insert into ops.sources (source, authority, kind, created_at)"
            " values ('liquidlogic', %s, 'database', now())",
            (OTHER,),
        )
    done = carepath("demo")
    assert done.returncode == 1
    assert "would delete them" in done.stderr


def test_journey_page_has_a_query_for_each_reader() -> None:
    assert len(DOCUMENTED) == 6
    readers = {query.role for query in DOCUMENTED}
    assert readers == {"bi_reader", "carepath_analyst", "carepath_steward"}


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("query", DOCUMENTED, ids=lambda query: "-".join(query.columns[:2]))
def test_journey_page_query_runs_as_written_and_finds_what_it_shows(
    query: DocumentedQuery,
) -> None:
    with connect(query.role) as connection:
        cursor = connection.execute(query.text.encode())
        assert cursor.description is not None
        assert tuple(column.name for column in cursor.description) == query.columns
        assert tuple(as_shown(row) for row in cursor.fetchall()) == query.rows
