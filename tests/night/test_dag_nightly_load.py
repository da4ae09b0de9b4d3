"""The DAG as Airflow sees it: its schedule over clock changes, retries, timeouts and shape."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from carepath.service import configuration

# run inside a process of Airflow's own, so that its configuration does not reach the other tests
INSPECT = """
import json, sys
import pendulum
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dag = bag.dags["nightly_load"]
from airflow.timetables.base import TimeRestriction
from airflow.serialization.serialized_objects import DagSerialization
timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
def runs(after, count):
    moment, found = pendulum.parse(after), []
    restriction = TimeRestriction(earliest=moment, latest=None, catchup=True)
    last = None
    for _ in range(count):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        found.append(info.run_after.in_timezone("UTC").isoformat())
        last = info
    return found
import importlib.util
from carepath.errors import SourceError
found = importlib.util.spec_from_file_location("night", sys.argv[1])
night = importlib.util.module_from_spec(found)
found.loader.exec_module(night)
def raised(trigger):
    try:
        with night.failing_at_once(trigger):
            raise SourceError("The source is down.")
    except Exception as error:
        return type(error).__name__
print("RESULT" + json.dumps({
    "errors": {k: str(v) for k, v in bag.import_errors.items()},
    "down": [raised("schedule"), raised("command line 0a1b2c3d")],
    "catchup": dag.catchup,
    "max_active_runs": dag.max_active_runs,
    "timeout": dag.dagrun_timeout.total_seconds(),
    "spring": runs("2019-03-30T00:00:00+00:00", 3),
    "autumn": runs("2019-10-26T00:00:00+00:00", 3),
    "tasks": {
        t.task_id: {
            "retries": t.retries,
            "timeout": t.execution_timeout.total_seconds(),
            "backoff": bool(t.retry_exponential_backoff),
            "outlets": [o.name for o in t.outlets],
            "downstream": sorted(t.downstream_task_ids),
            "queue": t.queue,
            "at_once": t.max_active_tis_per_dagrun,
        } for t in dag.tasks
    },
}))
"""


@pytest.fixture(scope="module")
def dag(cluster: object) -> dict[str, Any]:
    """What Airflow makes of dags/nightly_load.py."""
    configuration.initialise()
    return inspect()


def inspect(**settings: str) -> dict[str, Any]:
    """Let Airflow read the DAG in a process of its own, with other settings."""
    done = subprocess.run(
        [sys.executable, "-c", INSPECT, str(configuration.DAG_FILE)],
        env={**configuration.environment(), **settings},
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert found, done.stderr[-3000:]
    inspected: dict[str, Any] = json.loads(found[0].removeprefix("RESULT"))
    return inspected


def test_dag_imports_without_error(dag: dict[str, Any]) -> None:
    assert dag["errors"] == {}


def test_dag_runs_once_at_a_time_without_catching_up(dag: dict[str, Any]) -> None:
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1
    assert dag["timeout"] > 0


@pytest.mark.fault("The clocks go forward.", "The night runs once, at 02:00 London time.")
def test_schedule_over_the_spring_clock_change_is_two_in_london(dag: dict[str, Any]) -> None:
    # the clocks go forward on 31 March 2019 at 01:00 UTC
    assert [moment[:16] for moment in dag["spring"]] == [
        "2019-03-30T02:00",
        "2019-03-31T01:00",
        "2019-04-01T01:00",
    ]


@pytest.mark.fault("The clocks go back.", "The night runs once, at 02:00 London time.")
def test_schedule_over_the_autumn_clock_change_is_two_in_london_once(dag: dict[str, Any]) -> None:
    # the clocks go back on 27 October 2019 at 01:00 UTC
    assert [moment[:16] for moment in dag["autumn"]] == [
        "2019-10-26T01:00",
        "2019-10-27T02:00",
        "2019-10-28T02:00",
    ]


def test_input_and_output_is_retried_and_gates_are_not(dag: dict[str, Any]) -> None:
    retries = {name: task["retries"] for name, task in dag["tasks"].items()}
    assert retries["load"] > 0
    assert dag["tasks"]["load"]["backoff"]
    assert {retries[name] for name in ("judge_records", "build", "publish", "close")} == {0}


def test_source_that_is_down_is_retried_by_the_service_and_told_to_a_person_at_once(
    dag: dict[str, Any],
) -> None:
    assert dag["down"] == ["SourceError", "AirflowFailException"]


def test_every_task_has_a_timeout(dag: dict[str, Any]) -> None:
    assert all(task["timeout"] > 0 for task in dag["tasks"].values())


def test_new_figures_are_an_asset_once_a_night(dag: dict[str, Any]) -> None:
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"announce": ["marts"]}


def test_story_goes_from_plan_to_close(dag: dict[str, Any]) -> None:
    downstream = {name: task["downstream"] for name, task in dag["tasks"].items()}
    assert downstream["plan"] == ["load"]
    assert downstream["load"] == ["stage"]
    assert downstream["stage"] == ["judge_records"]
    assert downstream["judge_records"] == ["build"]
    assert downstream["build"] == ["publish"]
    assert downstream["publish"] == ["announce", "close"]


def test_steps_are_in_no_queue_of_their_own_on_one_machine(dag: dict[str, Any]) -> None:
    assert {task["queue"] for task in dag["tasks"].values()} == {"default"}


def test_loads_run_two_at_a_time_on_one_machine(dag: dict[str, Any]) -> None:
    assert {name: task["at_once"] for name, task in dag["tasks"].items() if task["at_once"]} == {
        "load": 2
    }


def test_steps_are_in_the_queues_of_workers_in_a_region(dag: dict[str, Any]) -> None:
    region = inspect(CAREPATH_BROKER_URL="redis://:invented@127.0.0.1:1/0", CAREPATH_LOADS="5")
    assert region["tasks"]["load"]["at_once"] == 5
    queues = {name: task["queue"] for name, task in region["tasks"].items()}
    assert {name for name, queue in queues.items() if queue == "load"} == {"plan", "load"}
    assert {name for name, queue in queues.items() if queue == "judge"} == {
        *("stage", "judge_records", "build", "publish", "announce", "close")
    }
