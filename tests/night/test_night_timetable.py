"""When the service begins a night by itself: at 02:00 in London, and none that was missed."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from carepath.service import configuration, metadata
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

# run inside a process of Airflow's own, so that its configuration does not reach the other tests
NEXT = """
import json, sys
import pendulum
from airflow.timetables.base import DataInterval, TimeRestriction
from carepath.service.timetable import NightTimetable

timetable = NightTimetable("0 2 * * *", timezone="Europe/London")
restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
found = {}
for name, (now, last) in json.loads(sys.argv[1]).items():
    pendulum.now = lambda zone, now=now: pendulum.parse(now)
    interval = last and DataInterval.exact(pendulum.parse(last))
    info = timetable.next_dagrun_info(
        last_automated_data_interval=interval, restriction=restriction
    )
    found[name] = info.run_after.in_timezone("UTC").format("YYYY-MM-DD HH:mm")
print("RESULT" + json.dumps(found))
"""
# name: (now, the last night by the schedule), the next night; all UTC
CASES = {
    "first evening": (("2026-11-27T17:30", None), "2026-11-28 02:00"),
    "first morning": (("2026-11-28T09:00", None), "2026-11-29 02:00"),
    "first evening in summer": (("2026-07-10T17:30", None), "2026-07-11 01:00"),
    "at two": (("2026-11-28T02:00", None), "2026-11-28 02:00"),
    "a scheduler that is a little late": (("2026-11-28T02:00:40", None), "2026-11-28 02:00"),
    "restarted in the night": (("2026-11-28T02:50", "2026-11-27T02:00"), "2026-11-28 02:00"),
    "this night has run": (("2026-11-28T02:50", "2026-11-28T02:00"), "2026-11-29 02:00"),
    "an ordinary day": (("2026-11-28T11:00", "2026-11-28T02:00"), "2026-11-29 02:00"),
    "off over the weekend": (("2026-11-30T09:00", "2026-11-27T02:00"), "2026-12-01 02:00"),
    "clocks go forward tonight": (("2027-03-27T20:00", "2027-03-27T02:00"), "2027-03-28 01:00"),
    "clocks have gone forward": (("2027-03-28T08:00", "2027-03-28T01:00"), "2027-03-29 01:00"),
    "clocks go back tonight": (("2026-10-24T20:00", "2026-10-24T01:00"), "2026-10-25 02:00"),
    "in the hour that comes twice": (("2026-10-25T01:30", "2026-10-24T01:00"), "2026-10-25 02:00"),
    "clocks have gone back": (("2026-10-25T08:00", "2026-10-25T02:00"), "2026-10-26 02:00"),
}


@pytest.fixture(scope="module")
def found(cluster: object) -> dict[str, str]:
    """The next night of each case."""
    configuration.initialise()
    done = subprocess.run(
        [sys.executable, "-c", NEXT, json.dumps({name: case for name, (case, _) in CASES.items()})],
        env=configuration.environment(),
        capture_output=True,
        text=True,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert results, done.stderr[-3000:]
    answers: dict[str, str] = json.loads(results[0].removeprefix("RESULT"))
    return answers


@pytest.mark.parametrize("name", CASES)
def test_next_night_is_at_two_in_london_and_never_late(found: dict[str, str], name: str) -> None:
    assert found[name] == CASES[name][1]


@pytest.mark.fault(
    "The service was off at the time of a night.",
    "That night is left out. The next one loads what it missed.",
)
def test_night_noted_while_the_service_was_off_is_left_out(found: dict[str, str]) -> None:
    configuration.airflow(("dags", "reserialize"), log=get_settings().logs / "airflow" / "test.log")
    with connect("airflow_meta", "airflow") as airflow:
        airflow.execute("update dag set next_dagrun_create_after = now() - interval '3 days'")

    configuration.leave_out_missed_nights()

    following = metadata.next_night()
    assert following is not None
    assert following > dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
