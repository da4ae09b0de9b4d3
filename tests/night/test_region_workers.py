"""A region's night on Celery workers with homes of their own, two of which are killed.

Redis, Airflow's services and the workers are real processes. A worker is killed with all its
children, as if its machine had died.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import certificates
import psutil
import psycopg
import pytest
import redis_server
from airflow_pages import request, sign_in
from whole_recording_system import WholeRecordingSystem

from carepath.night import lock, steps
from carepath.service import configuration, processes
from carepath.settings import get_settings
from carepath.sources import write_sources
from carepath.warehouse import embedded, roles
from carepath.warehouse.backup import checksums
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR, passwords_file

pytestmark = pytest.mark.skipif(not redis_server.is_there(), reason=redis_server.MISSING)

AUTHORITIES = tuple(f"E0990000{number}" for number in range(1, 5))
NIGHT = dt.date(2019, 6, 30)
OURS = ("CAREPATH_", "AIRFLOW__")
TRUSTED = "AIRFLOW__CELERY__SSL_CACERT"
PING = """
from airflow.providers.celery.executors.celery_executor_utils import app
with app.connection_for_write() as connection:
    connection.ensure_connection(max_retries=1, timeout=10)
    print(connection.default_channel.client.ping())
"""


@dataclass
class Worker:
    """A worker of one queue, with a home of its own.

    Attributes:
        queue: the queue whose steps it takes.
        home: its home: passwords and settings, copied from the warehouse's machine.
        process: the running worker, which leads a session of its own; None before the start.
    """

    queue: str
    home: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker."""
        port = get_settings().airflow_port
        server = f"{ADMINISTRATOR}@127.0.0.1:{embedded.status().port}"
        broker = get_settings().broker_url
        assert broker is not None
        outside = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        with (self.home / "worker.log").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "carepath.containers", "airflow", "celery", "worker"),
                    *("--queues", self.queue, "--concurrency", "2", "--skip-serve-logs"),
                    *("--celery-hostname", f"{self.queue}@127.0.0.1"),
                ],
                env={
                    **outside,
                    "CAREPATH_HOME": str(self.home),
                    "CAREPATH_WAREHOUSE_URL": f"postgresql://{server}/postgres?sslmode=disable",
                    "CAREPATH_BROKER_URL": broker.get_secret_value(),
                    TRUSTED: os.environ[TRUSTED],
                    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the worker and everything that it has started, with SIGKILL."""
        if self.process is not None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()
            for member in family:
                member.kill()
            psutil.wait_procs(family, timeout=30)
            self.process.wait(timeout=30)
            self.process = None


@dataclass
class Region:
    """Airflow with the Celery executor, and its two workers.

    Attributes:
        load, judge: the workers.
        password: of `admin` on Airflow's pages.
    """

    load: Worker
    judge: Worker
    password: str

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON that Airflow answers to `admin`."""
        return request(path, sign_in("admin", self.password), body)

    def begin(self) -> str:
        """Begin the night as a person does; return Airflow's id of the run."""
        asked = {"logical_date": None, "conf": {"night": NIGHT.isoformat()}}
        return str(self.ask("/api/v2/dags/nightly_load/dagRuns", asked)["dag_run_id"])

    def state(self, run_id: str) -> str:
        return str(self.ask(f"/api/v2/dags/nightly_load/dagRuns/{quote(run_id)}")["state"])

    def clear_failed(self, run_id: str) -> None:
        """Let the failed tasks of a run run again, as the button on Airflow's pages does."""
        self.ask(
            "/api/v2/dags/nightly_load/clearTaskInstances",
            {"dag_run_id": run_id, "dry_run": False, "only_failed": True},
        )


@pytest.fixture(scope="module")
def sources(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A recording system for each authority; yields their names."""
    folder = tmp_path_factory.mktemp("sources")
    systems = [WholeRecordingSystem(folder / f"{code}.sqlite", code) for code in AUTHORITIES]
    specs = [replace(each.spec, name=f"whole-{each.spec.authority.lower()}") for each in systems]
    write_sources(specs)
    yield [spec.name for spec in specs]
    get_settings().sources_file.unlink()


@pytest.fixture(scope="module")
def region(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """Airflow as a service, Redis and two workers, on an empty warehouse."""
    roles.recreate_database("airflow")
    certificate = certificates.of_localhost(tmp_path_factory.mktemp("certificate"))
    with redis_server.running(certificate) as broker, pytest.MonkeyPatch.context() as changed:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            changed.setenv("CAREPATH_AIRFLOW_PORT", str(free.getsockname()[1]))
        changed.setenv("CAREPATH_BROKER_URL", broker)
        changed.setenv(TRUSTED, str(certificate))
        # Airflow gives up a task that is silent after 5 minutes; here it need not take so long
        silence = "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"
        changed.setenv(silence, "20")
        changed.setenv(f"{silence}_DETECTION_INTERVAL", "3")
        get_settings.cache_clear()
        load, judge = (worker(queue, tmp_path_factory.mktemp(queue)) for queue in ("load", "judge"))
        found = Region(load, judge, password="")
        try:
            found.password = processes.start_services(lambda line: None) or ""
            for each in (load, judge):
                each.start()
            yield found
        finally:
            found.load.kill()
            found.judge.kill()
            processes.stop_services()
    get_settings.cache_clear()


def worker(queue: str, home: Path) -> Worker:
    """Give a worker what docs/region.md says: the passwords, and the settings."""
    shutil.copy(passwords_file(), home / "passwords.json")
    site = get_settings().sources_file.parent
    left_out = shutil.ignore_patterns("sources.yml") if queue == "judge" else None
    shutil.copytree(site, home / "site", ignore=left_out)
    return Worker(queue, home)


def in_process(run_id: str, day: dt.date, sources: Sequence[str]) -> None:
    """Run a whole night in this process."""
    with lock.driving():
        steps.plan(run_id, day, None, "test")
        for source in sources:
            steps.load(run_id, source)
        for authorities in steps.stage(run_id):
            steps.judge_records(run_id, authorities)
        for authorities in steps.build(run_id):
            steps.judge_and_publish(run_id, authorities)
        assert steps.close(run_id).state == "published"


def empty_warehouse(template: str) -> None:
    """Empty the warehouse again; the secret of its keys stays."""
    with connect(ADMINISTRATOR, "postgres", autocommit=True) as admin:
        admin.execute("drop database warehouse with (force)")
        admin.execute(f"create database warehouse template {template} owner carepath_owner")
        roles.prepare_database(admin, "warehouse")


def contents() -> dict[str, str]:
    """Return a sum over the rows of each mart, and how many rows history and core have."""
    with connect("carepath_owner") as owner:
        found = checksums(owner)
    return {
        table: held if table.startswith("marts.") else held.partition(",")[0]
        for table, held in found.items()
        if table.startswith(("marts.", "history.", "core.")) and table != "marts.publication"
    }


def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    with connect("carepath_loader") as connection:
        return connection.execute(query, values).fetchall()


def until(is_so: Callable[[], Any], seconds: float = 240) -> Any:
    """Wait until something is so; return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.3)
    pytest.fail(f"it did not happen within {seconds:.0f} seconds")


@contextmanager
def held_up(tables: str) -> Iterator[psycopg.Connection[Any]]:
    """Let whoever writes to these tables wait, until the end of the block."""
    with connect("carepath_owner") as connection:
        connection.execute(f"lock table {tables} in share mode")
        yield connection
        connection.rollback()


def waiting() -> bool:
    """Return whether a step waits in the middle of its work."""
    with connect(ADMINISTRATOR, autocommit=True) as admin:  # who sees the sessions of every role
        found = admin.execute(
            "select 1 from pg_stat_activity where datname = current_database()"
            " and wait_event_type = 'Lock' and wait_event = 'relation'"
        ).fetchone()
    return found is not None


@pytest.mark.fault(
    "A worker is killed with SIGKILL while it loads, and another one while it publishes.",
    "Airflow loads again by itself. A person clears the publication on Airflow's pages, and a new "
    "worker takes it over. The warehouse is then as after a night without a fault.",
)
def test_night_on_workers_that_are_killed_converges(
    region: Region, sources: list[str], staged_template: str, tmp_path: Path
) -> None:
    run_id = region.begin()
    # written last: the delivery and its history are there, and not yet committed
    with held_up("ops.changed_people"):
        until(waiting)
        region.load.kill()
    region.load.start()

    until(lambda: rows("select 1 from ops.publications where run_id = %s", run_id), 480)
    # written last: all marts of an authority are written, and not yet committed
    with held_up("marts.publication"):
        before = contents()
        until(waiting)
        region.judge.kill()
    assert contents() == before
    region.judge = worker("judge", tmp_path)
    try:
        region.judge.start()
        until(lambda: region.state(run_id) == "failed")
        ended = rows("select state from ops.runs where run_id = %s", run_id)
        region.clear_failed(run_id)
        until(lambda: region.state(run_id) == "success")
    finally:
        region.judge.kill()

    assert ended == [("partly",)]
    assert rows("select state from ops.runs where run_id = %s", run_id) == [("published",)]
    assert rows("select count(*)::int from ops.loads where state = 'failed'") > [(0,)]
    assert rows(
        "select authority, count(*)::int from ops.publications where run_id = %s"
        " group by authority order by authority",
        run_id,
    ) == [(authority, 1) for authority in AUTHORITIES]
    found = contents()
    processes.stop_services()
    empty_warehouse(staged_template)
    in_process("without a fault", NIGHT, sources)
    assert found == contents()


def test_celery_refuses_a_redis_whose_certificate_it_does_not_trust(
    warehouse: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("trusted", "other"):
        (tmp_path / name).mkdir()
    trusted, other = (certificates.of_localhost(tmp_path / name) for name in ("trusted", "other"))
    answers = {}
    with redis_server.running(trusted) as broker:
        monkeypatch.setenv("CAREPATH_BROKER_URL", broker)
        get_settings.cache_clear()
        for authority in (trusted, other):
            monkeypatch.setenv(TRUSTED, str(authority))
            answers[authority] = subprocess.run(
                [sys.executable, "-c", PING],
                env=configuration.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
    get_settings.cache_clear()
    assert answers[trusted].stdout.endswith("True\n"), answers[trusted].stderr
    assert "CERTIFICATE_VERIFY_FAILED" in answers[other].stderr
