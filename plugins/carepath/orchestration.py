"""Airflow as Carepath runs it: its home, its services, and one night at a time.

Airflow's metadata live in database `airflow`; its pages listen on 127.0.0.1 only, behind FAB's
log-in; its own logs go to files below <home>/logs/airflow.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from carepath.errors import CarepathError, WarehouseError
from carepath.night import abandon
from carepath.settings import PROJECT_ROOT, get_settings
from carepath.warehouse import ready
from carepath.warehouse.connect import connect, url
from carepath.warehouse.passwords import password

SERVICES: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    # a local executor's log server would listen on all addresses; the pages read the files
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
DAG_FILE = PROJECT_ROOT / "dags" / "nightly_load.py"
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class NightRun:
    """How one night through `airflow dags test` ended.

    Attributes:
        run_id: the run in ops.runs; None if it failed before its first step.
        state: published, partly, held or failed.
        message: what a person must do; empty when all was published.
        log: Airflow's own log of the run.
        seconds: from the first step's start to the verdict, without interpreter start.
    """

    run_id: str | None
    state: str
    message: str
    log: Path
    seconds: float


def environment() -> dict[str, str]:
    """Return the environment in which every Airflow process runs."""
    settings = get_settings()
    home = settings.home / "airflow"
    logs = settings.logs / "airflow"
    port = settings.airflow_port
    config = {
        "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__FERNET_KEY": _fernet_key(),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "8",
        "CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__EXPOSE_CONFIG": "False",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__SECRET_KEY": password("airflow_api_secret"),
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": password("airflow_jwt_secret"),
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "DATABASE__SQL_ALCHEMY_CONN": url("airflow_meta", "airflow", driver="psycopg2"),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": url("airflow_meta", "airflow", driver="asyncpg"),
        "LOGGING__BASE_LOG_FOLDER": str(logs),
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {
        **os.environ,
        **{f"AIRFLOW__{key}": value for key, value in config.items()},
        "AIRFLOW_HOME": str(home),
        "CAREPATH_HOME": str(settings.home),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "False",
        "SCARF_ANALYTICS": "false",
    }


def initialise() -> None:
    """Make Airflow's home and bring its metadata database up to date; quick when nothing is to do.

    Raises:
        WarehouseError: Airflow's migration failed; the log is named.
    """
    ready()
    settings = get_settings()
    (settings.home / "airflow").mkdir(parents=True, exist_ok=True)
    (settings.logs / "airflow").mkdir(parents=True, exist_ok=True)
    marker = settings.home / "airflow" / "migrated"
    wanted = version("apache-airflow")
    if marker.exists() and marker.read_text() == wanted and _metadata_exists():
        return
    airflow(("db", "migrate"), log=settings.logs / "airflow" / "migrate.log")
    marker.write_text(wanted)


def run_night(
    night: dt.date,
    *,
    sources: Sequence[str] | None = None,
    trigger: str = "command line",
    accept_truncation: Sequence[str] = (),
    accept_movement: Sequence[str] = (),
    watch: Callable[[str | None], None] | None = None,
) -> NightRun:
    """Run one night through the real DAG with `airflow dags test`.

    Args:
        night: the day whose close the sources stand for.
        sources: names from sources.yml or `ssda903:FOLDER`; None for all listed.
        trigger: who started it.
        accept_truncation: tables that may lose rows or columns tonight.
        accept_movement: KPIs that may leap tonight.
        watch: called about twice a second with the run's id once it has one.

    Returns:
        How the night ended.
    """
    initialise()
    settings = get_settings()
    # two runs on one logical date would overwrite each other in Airflow: each has its own second
    logical = dt.datetime.combine(
        night + dt.timedelta(days=1), dt.datetime.now(LONDON).time(), LONDON
    )
    log = settings.logs / "airflow" / f"night-{night}-{dt.datetime.now(LONDON):%Y%m%dT%H%M%S}.log"
    trigger = f"{trigger} {secrets.token_hex(4)}"
    conf = {
        "night": night.isoformat(),
        "sources": list(sources) if sources else None,
        "accept_truncation": list(accept_truncation),
        "accept_movement": list(accept_movement),
        "trigger": trigger,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "airflow", "dags", "test", "nightly_load"),
                *(logical.isoformat(), "-f", str(DAG_FILE), "-c", json.dumps(conf)),
            ],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                if watch:
                    watch(_run_id(trigger))
                time.sleep(0.4)
        except BaseException:
            process.terminate()
            process.wait(timeout=30)
            abandon()
            raise
    if watch:
        watch(_run_id(trigger))
    return _outcome(trigger, log)


def start_services(progress: Callable[[str], None]) -> str | None:
    """Start Airflow's four services and wait until its pages answer.

    Returns:
        The generated password of user `admin` if it was made now, else None.

    Raises:
        CarepathError: a service ended or did not answer within two minutes; its log is named.
    """
    progress("preparing Airflow's database")
    initialise()
    generated = make_admin(progress)
    for service, command in SERVICES.items():
        if _pid(service) is not None:
            progress(f"{service} is already running")
            continue
        progress(f"starting {service}")
        with _log(service).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", *command],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _pid_file(service).write_text(f"{process.pid} {_started(process.pid)}")
    _await_health(progress)
    return generated


def stop_services() -> list[str]:
    """Stop Airflow's services; return the names of those that ran."""
    stopped = []
    for service in reversed(SERVICES):
        pid = _pid(service)
        if pid is not None:
            os.killpg(pid, signal.SIGTERM)
            for _ in range(300):
                if _pid(service) is None:
                    break
                time.sleep(0.1)
            else:
                os.killpg(pid, signal.SIGKILL)
            stopped.append(service)
        _pid_file(service).unlink(missing_ok=True)
    return stopped


def running_services() -> Mapping[str, int | None]:
    """Return each service with its process id, or None if it does not run."""
    return {service: _pid(service) for service in SERVICES}


def _fernet_key() -> str:
    digest = hashlib.sha256(password("airflow_fernet_key").encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()


def airflow(arguments: Sequence[str], *, log: Path) -> None:
    """Run one command of Airflow's own command line, its output appended to a log.

    Raises:
        WarehouseError: it failed; the log is named.
    """
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise WarehouseError(
            f"`airflow {' '.join(arguments[:2])}` failed",
            where="Airflow",
            todo=f"read {log}",
        )


def _metadata_exists() -> bool:
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute("select to_regclass('public.dag_run')").fetchone()
    return row is not None and row[0] is not None


def make_admin(progress: Callable[[str], None], chosen: str | None = None) -> str | None:
    """Make the account `admin` of Airflow's pages unless there is an account already.

    Args:
        progress: told what happens.
        chosen: its password; by default a generated one.

    Returns:
        The password of the account that was made, or None.

    Raises:
        WarehouseError: the account could not be made; the log is named.
    """
    with connect("airflow_meta", "airflow") as connection:
        row = connection.execute("select count(*) from ab_user").fetchone()
    if row is not None and row[0]:
        return None
    progress("making the administrator's account")
    generated = chosen or secrets.token_urlsafe(15)
    # the password goes through standard input: a command line is visible to every user
    command = [sys.executable, "-m", "airflow", "users", "create", "--role", "Admin"]
    person = ["--username", "admin", "--firstname", "Carepath", "--lastname", "Administrator"]
    done = subprocess.run(
        [*command, *person, "--email", "admin@localhost"],
        env=environment(),
        input=f"{generated}\n{generated}\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        log = _log("users")
        log.write_text(done.stdout + done.stderr)
        raise WarehouseError(
            "the administrator's account could not be made", where="Airflow", todo=f"read {log}"
        )
    return generated


def _await_health(progress: Callable[[str], None]) -> None:
    address = f"http://127.0.0.1:{get_settings().airflow_port}/api/v2/monitor/health"
    progress("waiting until Airflow answers")
    for _ in range(240):
        for service, pid in running_services().items():
            if pid is None:
                raise CarepathError(
                    f"Airflow's {service} ended", where="Airflow", todo=f"read {_log(service)}"
                )
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                health = json.load(answer)
            if all(
                health[part]["status"] == "healthy"
                for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")
            ):
                return
        except (OSError, urllib.error.URLError, KeyError, TypeError, ValueError):
            pass
        time.sleep(0.5)
    raise CarepathError(
        "Airflow did not become healthy within two minutes",
        where=address,
        todo=f"read the logs in {get_settings().logs / 'airflow'}",
    )


def _run_id(trigger: str) -> str | None:
    with connect("carepath_analyst") as connection:
        row = connection.execute(
            "select run_id from ops.runs where trigger = %s", (trigger,)
        ).fetchone()
    return row[0] if row else None


def _outcome(trigger: str, log: Path) -> NightRun:
    with connect("carepath_analyst") as connection:
        row = connection.execute(
            "select run_id, state, coalesce(message, ''),"
            " extract(epoch from coalesce(finished_at, now()) - started_at)::float8"
            " from ops.runs where trigger = %s",
            (trigger,),
        ).fetchone()
    if row is None or row[1] == "running":
        return NightRun(
            row[0] if row else None,
            "failed",
            f"the night ended before its verdict. What to do: read {log}",
            log,
            row[3] if row else 0.0,
        )
    return NightRun(row[0], row[1], row[2], log, row[3])


def _log(service: str) -> Path:
    return get_settings().logs / "airflow" / f"{service}.log"


def _pid_file(service: str) -> Path:
    folder = get_settings().home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{service}.pid"


def _pid(service: str) -> int | None:
    """Return the service's process id while that very process runs, not one that got its number."""
    try:
        pid, started = (int(word) for word in _pid_file(service).read_text().split())
    except (OSError, ValueError):
        return None
    return pid if _started(pid) == started else None


def _started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it has ended."""
    try:
        # the command name, in brackets, may hold spaces: count from behind it
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(rest[18])
