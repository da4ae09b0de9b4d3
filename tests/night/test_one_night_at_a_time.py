"""Two nights at once: the second changes nothing, and the first is judged by its own records.

On a real PostgreSQL with the real steps; the last tests with the real command and its Airflow
process, which are killed one after the other.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psutil
import psycopg
import pytest
import set_back_clock
from whole_recording_system import WholeRecordingSystem

from carepath.desk.database import read, warehouse
from carepath.desk.tonight import STANDINGS, Standing
from carepath.errors import CarepathError, GateHeldError, NightError
from carepath.night import lock, steps
from carepath.quality.records.gate import run_gate
from carepath.settings import get_settings
from carepath.sources import write_sources
from carepath.terminal.status import read_nights
from carepath.warehouse.connect import connect

AUTHORITY = "E09900001"
GOOD, NIGHT = dt.date(2019, 6, 28), dt.date(2019, 6, 30)
STEPS = (
    "plan", "load", "stage", "judge_records", "build", "judge_figures", "publish", "close",
)  # fmt: skip


@pytest.fixture(scope="module")
def system(
    staged_warehouse: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeRecordingSystem]:
    """A recording system whose first night is published; now its records contradict each other."""
    found = WholeRecordingSystem(tmp_path_factory.mktemp("source") / "whole.sqlite", AUTHORITY)
    write_sources([found.spec])
    with lock.driving():
        assert night("good", GOOD) == "published"
    found.contradict()
    yield found
    get_settings().sources_file.unlink()


def calls(run_id: str, day: dt.date = NIGHT) -> Mapping[str, Callable[[], Any]]:
    """Return each step of a night as a function without arguments."""
    return {
        "plan": lambda: steps.plan(run_id, day, None, "test"),
        "load": lambda: steps.load(run_id, "whole"),
        "stage": lambda: steps.stage(run_id),
        "judge_records": lambda: steps.judge_records(run_id, [AUTHORITY]),
        "build": lambda: steps.build(run_id),
        "judge_figures": lambda: steps.judge_figures(run_id, [AUTHORITY]),
        "publish": lambda: steps.publish(run_id, [AUTHORITY]),
        "close": lambda: steps.close(run_id),
    }


def night(run_id: str, day: dt.date = NIGHT) -> str:
    """Run all steps of a night; return how it ended."""
    for name in STEPS:
        proceed(run_id, name, day)
    return str(rows("select state from ops.runs where run_id = %s", run_id)[0][0])


def proceed(run_id: str, name: str, day: dt.date = NIGHT) -> None:
    """Run a step of a night that may be held: what follows a hold runs too, and publishes none."""
    allowed: tuple[type[CarepathError], ...] = {
        "judge_records": (GateHeldError,),
        "judge_figures": (CarepathError,),
        "publish": (CarepathError,),
    }.get(name, ())
    try:
        calls(run_id, day)[name]()
    except NightError:
        raise
    except allowed:
        pass


def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    with connect("carepath_loader") as connection:
        return connection.execute(cast(LiteralString, query), values).fetchall()


def contents() -> dict[str, str | None]:
    """Return a hash over the rows of every table of the warehouse."""
    tables = rows(
        "select quote_ident(nspname) || '.' || quote_ident(relname) from pg_class"
        " inner join pg_namespace on relnamespace = pg_namespace.oid"
        " where relkind = 'r' and has_table_privilege(pg_class.oid, 'select')"
        " and nspname in ('ops', 'quality', 'landing', 'history', 'staging', 'core', 'marts',"
        " 'marts_build', 'marts_prev')"
    )
    query = " union all ".join(
        f"select '{table}', md5(string_agg(t::text, ',' order by t::text)) from {table} as t"
        for (table,) in tables
    )
    return dict(rows(query.replace("%", "%%")))


def fixed_rows() -> list[tuple[Any, ...]]:
    """Return the schemas in which gate runs have fixed rows."""
    return rows("select nspname from pg_namespace where nspname ~ '^gate_[0-9]+$'")


def refuses_every_step(run_id: str) -> None:
    """Try each step of a night that may not work: all refuse, and nothing changes."""
    before = contents()
    for name, step in calls(run_id).items():
        with pytest.raises(NightError) as refused:
            step()
        assert "What to do" in str(refused.value), name
        assert "\n" not in str(refused.value)
    assert contents() == before


def published_loads() -> set[tuple[int, str | None]]:
    """Return each load that was published, with gate 1's last word on it."""
    return set(
        rows(
            "select distinct on (p.publication_id) p.load_id, g.decision from ops.publications as p"
            " left join quality.gate_runs as g on p.load_id = g.load_id and g.gate = 1"
            " order by p.publication_id, g.gate_run_id desc"
        )
    )


@contextmanager
def killed_afterwards() -> Iterator[None]:
    """Drive a night from a process of its own, and kill that at the end of the block."""
    program = (
        "import sys; from carepath.night.lock import driving\n"
        "with driving() as driver: print(driver, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CAREPATH_HOME": str(get_settings().home)},
    )
    assert process.stdout is not None
    os.environ[lock.DRIVER] = process.stdout.readline().strip()
    try:
        yield
    finally:
        del os.environ[lock.DRIVER]
        process.kill()
        process.communicate()


def test_gate_judges_the_load_that_it_records_whatever_staging_shows(
    system: WholeRecordingSystem,
) -> None:
    with lock.driving():
        proceed("contradicting", "plan")
        proceed("contradicting", "load")
    (good,), (contradicting,) = rows("select load_id from ops.loads order by load_id")
    is_over = threading.Event()

    def reset() -> None:
        with connect("carepath_loader", autocommit=True) as connection:
            while not is_over.wait(0.01):
                for load_id in (contradicting, good):
                    connection.execute("update ops.cutoffs set load_id = %s", (load_id,))

    restless = threading.Thread(target=reset)
    restless.start()
    decisions: dict[int, bool] = {}
    judges = [
        threading.Thread(
            target=lambda load_id: decisions.update(
                {load_id: run_gate("contradicting", load_id).passed}
            ),
            args=(load_id,),
        )
        for load_id in (good, contradicting)
    ]
    try:
        for judge in judges:
            judge.start()
        for judge in judges:
            judge.join()
    finally:
        is_over.set()
        restless.join()
    assert decisions == {good: True, contradicting: False}
    assert rows("select load_id from ops.cutoffs") == [(good,)]
    assert fixed_rows() == []
    assert rows(
        "select load_id, decision from quality.gate_runs where run_id = 'contradicting' order by 1"
    ) == [(good, "pass"), (contradicting, "hold")]


@pytest.mark.fault(
    "A gate is killed before it removes its copies of staging.",
    "The next gate removes them.",
)
def test_gate_drops_what_a_killed_gate_left(system: WholeRecordingSystem) -> None:
    with connect("carepath_loader", autocommit=True) as connection:
        for schema in ("gate_987", "gate_986"):
            connection.execute(f"create schema {schema}")
            connection.execute(f"create unlogged table {schema}.stg_person (record_key text)")
        connection.execute("select pg_advisory_lock(%s, 986)", (0x6A7E,))  # this one still works
        run_gate("good", rows("select min(load_id) from ops.loads")[0][0])
        left = fixed_rows()
        connection.execute("drop schema gate_986 cascade")
    assert left == [("gate_986",)]


@pytest.mark.fault(
    "A second night begins while one is at work.",
    "The second one is refused and changes nothing.",
)
def test_night_beside_a_living_one_changes_nothing_at_any_step(
    system: WholeRecordingSystem,
) -> None:
    published = contents()["marts.publication"]
    with lock.driving():
        for name in STEPS:
            at_work = threading.Thread(target=proceed, args=("first", name))
            at_work.start()
            while at_work.is_alive():
                for other, step in calls("second").items():
                    # the first one's plan and close decide whether the second may begin
                    if other != "plan" or name not in ("plan", "close"):
                        with pytest.raises(NightError):
                            step()
                at_work.join(0.05)  # the refusals leave it most of the processor
            at_work.join()
            if name != "close":
                refuses_every_step("second")
    assert rows("select state from ops.runs where run_id = 'first'") == [("held",)]
    assert rows("select 1 from ops.runs where run_id = 'second'") == []
    assert {decision for _, decision in published_loads()} == {"pass"}
    assert contents()["marts.publication"] == published


@pytest.mark.fault(
    "The process that runs a night is killed with SIGKILL.",
    "The next night can begin at once. Late steps of the dead night change nothing.",
)
@pytest.mark.parametrize("died_after", ["plan", "load", "stage", "judge_records", "build"])
def test_night_whose_driver_was_killed_gives_way_and_comes_too_late(
    system: WholeRecordingSystem, died_after: str
) -> None:
    dead = f"died after {died_after}"
    with killed_afterwards():
        for name in STEPS[: STEPS.index(died_after) + 1]:
            proceed(dead, name)
        with pytest.raises(NightError, match="has been running since"):
            steps.plan("too early", NIGHT, None, "test")
    with lock.driving():
        proceed(f"after {died_after}", "plan")
        assert rows("select state, message from ops.runs where run_id = %s", dead) == [
            ("failed", "The night was stopped before its end. What to do: run it again.")
        ]
        refuses_every_step(dead)


def test_late_steps_of_a_dead_night_change_nothing_between_those_of_the_next(
    system: WholeRecordingSystem,
) -> None:
    with killed_afterwards():
        for name in ("plan", "load", "stage"):
            proceed("late", name)
    system.correct()
    with lock.driving():
        for name in STEPS:
            proceed("next", name)
            if name != "close":
                refuses_every_step("late")
    system.contradict()
    assert rows("select state from ops.runs where run_id = 'next'") == [("published",)]
    assert rows("select state from ops.runs where run_id = 'late'") == [("failed",)]
    assert {decision for _, decision in published_loads()} == {"pass"}


def test_step_of_a_night_that_has_ended_can_be_repeated_until_the_next(
    system: WholeRecordingSystem,
) -> None:
    (latest,) = rows("select max(publication_id) from ops.publications")[0]
    assert steps.publish("next", [AUTHORITY]) == {AUTHORITY: latest}
    with lock.driving():
        proceed("another", "plan")
    with pytest.raises(NightError, match="Another night took over"):
        steps.publish("next", [AUTHORITY])


def carepath_run(output: Path) -> subprocess.Popen[bytes]:
    """Start `carepath run`; what it says goes to a file."""
    with output.open("wb") as said:
        return subprocess.Popen(
            [
                *(sys.executable, "-c", "from carepath.cli import main; main()"),
                *("run", "--date", NIGHT.isoformat()),
            ],
            env={**os.environ, "CAREPATH_HOME": str(get_settings().home), "COLUMNS": "200"},
            stdout=said,
            stderr=subprocess.STDOUT,
        )


def until(is_so: Callable[[], Any]) -> Any:
    """Wait until something is so; return it."""
    for _ in range(9000):
        if found := is_so():
            return found
        time.sleep(0.1)
    pytest.fail("it did not happen within a quarter of an hour")


@contextmanager
def gate_waits() -> Iterator[psycopg.Connection[Any]]:
    """Let gate 1 wait before it reads a record, until the connection rolls back."""
    with connect("carepath_loader") as connection:
        connection.execute("lock table quality.rules in access exclusive mode")
        yield connection


def judging() -> str | None:
    """Return the run whose gate 1 is at work."""
    found = rows(
        "select run_id from ops.run_steps inner join ops.runs using (run_id)"
        " where step = 'judge_records' and run_steps.state = 'running' and runs.state = 'running'"
        " and trigger like 'command line%%'"
    )
    return found[0][0] if found else None


@pytest.mark.fault(
    "Two commands start a night, and the first one is killed.",
    "The second one can begin.",
)
def test_race_of_two_commands_the_first_of_which_is_killed(
    system: WholeRecordingSystem, tmp_path: Path
) -> None:
    before = published_loads()
    with gate_waits() as gate:
        first = carepath_run(tmp_path / "first")
        run_id = until(judging)
        (airflow,) = psutil.Process(first.pid).children()
        first.kill()
        first.wait()
        assert airflow.is_running()

        second = carepath_run(tmp_path / "second")
        assert second.wait(timeout=900) == 1
        said = (tmp_path / "second").read_text()
        assert "The night of 30 June 2019 has been running since" in said
        assert "What to do: wait until it has ended" in said
        assert "Traceback" not in said
        for step in calls("second command").values():
            with pytest.raises(NightError):
                step()
        gate.rollback()
        psutil.wait_procs([airflow], timeout=900)
    assert rows("select state from ops.runs where run_id = %s", run_id) == [("held",)]
    assert rows(
        "select decision from quality.gate_runs where gate = 1 and run_id = %s and load_id ="
        " (select max(load_id) from ops.loads where run_id = %s)",
        run_id,
        run_id,
    ) == [("hold",)]
    assert published_loads() == before


@pytest.mark.fault(
    "Airflow is killed during a night.",
    "The night ends as failed, and another one can begin.",
)
def test_night_whose_airflow_is_killed_ends_and_gives_way(
    system: WholeRecordingSystem, tmp_path: Path
) -> None:
    with gate_waits():
        command = carepath_run(tmp_path / "said")
        run_id = until(judging)
        (airflow,) = psutil.Process(command.pid).children()
        airflow.kill()
        until(lambda: rows("select 1 from ops.runs where run_id = %s and state = 'failed'", run_id))
    # the command shows the rules at the end, which the waiting gate kept to itself
    assert command.wait(timeout=900) == 1
    assert "The night was stopped before its end" in (tmp_path / "said").read_text()
    assert rows("select state from ops.runs where run_id = %s", run_id) == [("failed",)]
    with lock.driving():
        proceed("after the kill", "plan")


def test_night_of_the_service_is_alive_while_airflow_runs_it(
    system: WholeRecordingSystem,
) -> None:
    """The rows of Airflow's own tables: a run that the test before has left, and a scheduler."""
    (run_id,) = rows("select run_id from ops.runs where trigger like 'command line%%' limit 1")[0]
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute("update ops.runs set state = 'running' where run_id = %s", (run_id,))
        connection.execute("update ops.current_night set run_id = %s, driver = null", (run_id,))
    with connect("airflow_meta", "airflow", autocommit=True) as airflow:
        assert airflow.execute(
            "update dag_run set state = 'running' where run_id = %s", (run_id,)
        ).rowcount
        airflow.execute(
            "insert into job (job_type, state, latest_heartbeat, start_date, hostname)"
            " values ('SchedulerJob', 'running', now(), now(), 'test')"
        )
        with pytest.raises(NightError, match="has been running since"):
            lock.refuse_beside_another()

        airflow.execute("update job set latest_heartbeat = now() - interval '5 minutes'")
        lock.refuse_beside_another()  # the scheduler is dead

        airflow.execute("update job set latest_heartbeat = now()")
        airflow.execute("update dag_run set state = 'failed' where run_id = %s", (run_id,))
        lock.close_if_stopped()  # Airflow ended the run, for example because it took too long
    assert rows("select state from ops.runs where run_id = %s", run_id) == [("failed",)]


@pytest.mark.fault(
    "Somebody sets the clock of the server back by three hours between two nights.",
    "The next nights are held and published as ever, and they are shown as the last ones.",
)
def test_nights_after_the_clock_was_set_back_are_the_last_ones(
    system: WholeRecordingSystem,
) -> None:
    if set_back_clock.library() is None:
        pytest.skip(set_back_clock.MISSING)
    latest = rows("select max(started_at) from ops.runs")[0][0]
    with set_back_clock.clock_set_back(hours=3), lock.driving():
        held = night("contradicting, with an earlier clock")
        at_night = standing()
        system.correct()
        published = night("corrected, with an earlier clock")
        at_last = standing()
        nights, last_held = read_nights(limit=2)
    assert all(each.started_at < latest for each in nights)
    assert [each.state for each in nights] == [published, held] == ["published", "held"]
    assert last_held == nights[1]
    assert (at_night.state, at_night.held_since) == ("held", NIGHT)
    assert (at_last.state, at_last.held_since) == ("published", None)
    assert {decision for _, decision in published_loads()} == {"pass"}


def standing() -> Standing:
    """Return what the page Tonight says about the authority."""
    with warehouse() as connection:
        (found,) = read(connection, Standing, STANDINGS)
    return found
