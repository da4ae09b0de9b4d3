"""Logs: one line for each thing, with its fields."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import structlog
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from carepath import logs
from carepath.errors import GateHeldError
from carepath.night.record import LOADER, step
from carepath.quality.decision import Result, State
from carepath.quality.results import log_failed_rules
from carepath.service import configuration
from carepath.warehouse.connect import connect

ASHMERE = "E09900001"

# in a process that logs as Airflow's tasks do
SAY = """
import logging
from airflow import settings
settings.initialize()
from carepath import logs
logs.quieten_libraries()
import great_expectations
for name in ("great_expectations.core", "carepath.landing"):
    logging.getLogger(name).info("INFO of " + name)
    logging.getLogger(name).warning("WARNING of " + name)
"""


def result(rule: str, failing: int) -> Result:
    state: State = "failed" if failing else "passed"
    return Result(rule, "ssd_care_leavers", "warning", 0.02, "says", state, 199, failing)


@pytest.fixture
def run(warehouse: None) -> str:
    """A run in ops.runs."""
    with connect(LOADER) as connection:
        connection.execute(
            "insert into ops.runs (run_id, night, state, trigger)"
            " values ('logged', '2019-06-30', 'running', 'test') on conflict do nothing"
        )
        connection.execute(
            "insert into ops.authorities values (%s, 'Ashmere') on conflict do nothing", (ASHMERE,)
        )
    return "logged"


def held(run: str) -> None:
    """Go through a step that holds."""
    with (
        connect(LOADER, autocommit=True) as connection,
        step(connection, run, "judge_records", authority=ASHMERE) as detail,
    ):
        detail["reasons"] = ["rule EET-01"]
        log_failed_rules([result("EET-01", 7), result("EET-02", 0)])
        raise GateHeldError("Too many records fail.", where=ASHMERE)


def test_lines_of_a_step_carry_its_run_step_and_authority(run: str) -> None:
    with capture_logs(processors=[merge_contextvars]) as lines, pytest.raises(GateHeldError):
        held(run)

    assert [line["event"] for line in lines] == [
        "the step begins",
        "a rule failed",
        "the step has ended",
    ]
    about = {"run_id": run, "step": "judge_records", "authority": ASHMERE}
    assert all(about.items() <= line.items() for line in lines)
    assert (lines[1]["rule"], lines[1]["table"], lines[1]["failing"]) == (
        "EET-01",
        "ssd_care_leavers",
        7,
    )
    assert (lines[2]["state"], lines[2]["log_level"]) == ("held", "warning")
    assert get_contextvars() == {}


def test_error_of_a_library_is_logged_without_its_text(run: str) -> None:
    quoted = "could not convert Anneliese"
    with (
        capture_logs() as lines,
        connect(LOADER, autocommit=True) as connection,
        pytest.raises(Exception, match="ValueError"),
        step(connection, run, "build"),
    ):
        raise ValueError(quoted)
    assert "Anneliese" not in str(lines)
    assert "test_logs.py" in lines[1]["raised_at"]


def test_log_of_the_service_is_one_line_of_json_for_each_thing() -> None:
    logs.service_log().error("The night was held.\nIt was.", run_id="logged")
    with structlog.contextvars.bound_contextvars(step="close"):
        logs.service_log().info("The night was published.")

    *_, held, published = map(json.loads, logs.service_log_file().read_text().splitlines())
    assert (held["event"], held["run_id"], held["level"]) == (
        "The night was held.\nIt was.",
        "logged",
        "error",
    )
    assert (published["step"], published["level"]) == ("close", "info")


def test_great_expectations_is_heard_from_warnings_on(run: str) -> None:
    configuration.initialise()
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        env=configuration.environment(),
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert "INFO of carepath.landing" in said
    assert "WARNING of great_expectations.core" in said
    assert "INFO of great_expectations.core" not in said
    assert "Skipping registering" not in said  # what it says when it is imported
