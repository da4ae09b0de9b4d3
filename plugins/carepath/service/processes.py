"""Airflow's four services, and the encrypted door: started, watched and stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import tenacity

from carepath.desk import PREFIX
from carepath.door import certificate
from carepath.door.server import listener
from carepath.errors import CarepathError
from carepath.service.accounts import make_admin
from carepath.service.configuration import (
    check_sign_in,
    environment,
    initialise,
    leave_out_missed_nights,
)
from carepath.settings import get_settings

SERVICES: dict[str, tuple[str, ...]] = {
    # it believes a web server with TLS on this machine, and marks its cookies as secure then
    "api-server": ("api-server", "--proxy-headers"),
    # the log server would listen on all addresses; Airflow's pages read the log files instead
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
DOOR = "tls-door"  # only if CAREPATH_TLS_LISTEN is set
HEALTHY_PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
START_SECONDS = 120
STOP_SECONDS = 30


def start_services(progress: Callable[[str], None]) -> str | None:
    """Start Airflow's four services and wait until its pages answer.

    Returns:
        The generated password of user `admin` if it was made now, else None.

    Raises:
        SettingsError: people could not sign in with the directory that is set.
        CarepathError: a service ended or did not answer within two minutes; the message names its
            log.
    """
    check_sign_in()
    progress("preparing Airflow's database")
    initialise()
    generated = make_admin(progress)
    leave_out_missed_nights()
    for service, command in SERVICES.items():
        if _process(service) is not None:
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
        note_process(service, process.pid)
    progress("waiting until Airflow answers")
    _await_health()
    _wake_desk()
    return generated


def start_door() -> bool:
    """Start the encrypted door, if the settings ask for it, and wait until it answers.

    Returns:
        Whether it is started now.

    Raises:
        SettingsError: the settings or the certificate cannot be used.
        CarepathError: it ended at once; the message names its log.
    """
    if (address := get_settings().tls_address) is None or _process(DOOR) is not None:
        return False
    certificate.ready()
    listener().close()  # so that a port that is taken is said here, and not in a log only
    log = get_settings().logs / f"{DOOR}.out.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "carepath.door"],
            env={**os.environ, "CAREPATH_HOME": str(get_settings().home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    note_process(DOOR, process.pid)
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_delay(START_SECONDS),
        wait=tenacity.wait_fixed(0.05),
        retry=tenacity.retry_if_result(lambda answers: not answers),
    )
    try:
        attempts(_answers, address, process)
    except tenacity.RetryError:
        raise CarepathError(
            "The encrypted door does not answer.",
            where=f"{address[0]}:{address[1]}",
            todo=f"read {log}.",
        ) from None
    if process.poll() is not None:
        raise CarepathError("The encrypted door ended.", where=DOOR, todo=f"read {log}.")
    return True


def _answers(address: tuple[str, int], process: subprocess.Popen[bytes]) -> bool:
    """Return whether the door takes connections, or has ended."""
    if process.poll() is not None:
        return True
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    try:
        socket.create_connection((everywhere.get(address[0], address[0]), address[1]), 2).close()
    except OSError:
        return False
    return True


def stop_services() -> list[str]:
    """Stop the door and Airflow's services; return the names of those that ran."""
    stopped = []
    for service in (DOOR, *reversed(SERVICES)):
        if (process := _process(service)) is not None:
            family = [*process.children(recursive=True), process]
            _each(family, psutil.Process.terminate)
            _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
            _each(alive, psutil.Process.kill)
            stopped.append(service)
        _pid_file(service).unlink(missing_ok=True)
    return stopped


def running_services() -> Mapping[str, int | None]:
    """Return each service with its process id, or None if it does not run.

    The door is among them if the settings ask for it, or if it runs although they do not.
    """
    found = {service: _process(service) for service in (*SERVICES, DOOR)}
    if get_settings().tls_address is None and found[DOOR] is None:
        del found[DOOR]
    return {service: process.pid if process else None for service, process in found.items()}


def note_process(service: str, pid: int) -> None:
    """Remember the process of a service, for `carepath status`, `up` and `down`."""
    _pid_file(service).write_text(_identity(psutil.Process(pid)))


def _each(family: Iterable[psutil.Process], action: Callable[[psutil.Process], None]) -> None:
    for member in family:
        with suppress(psutil.NoSuchProcess):  # it ended with its parent
            action(member)


def _await_health() -> None:
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_delay(START_SECONDS),
        wait=tenacity.wait_fixed(0.5),
        # while Airflow starts, it refuses connections, answers with errors or leaves parts out
        retry=tenacity.retry_if_exception_type((OSError, KeyError, TypeError, ValueError))
        | tenacity.retry_if_result(lambda healthy: not healthy),
    )
    try:
        attempts(_is_healthy)
    except tenacity.RetryError:
        raise CarepathError(
            "Airflow did not become healthy within two minutes.",
            where=f"http://127.0.0.1:{get_settings().airflow_port}",
            todo=f"read the logs in {get_settings().logs / 'airflow'}.",
        ) from None


def _is_healthy() -> bool:
    for service in SERVICES:
        if _process(service) is None:
            raise CarepathError(
                f"Airflow's {service} ended.", where="Airflow", todo=f"read {_log(service)}."
            )
    address = f"http://127.0.0.1:{get_settings().airflow_port}/api/v2/monitor/health"
    with urllib.request.urlopen(address, timeout=2) as answer:
        health = json.load(answer)
    return all(health[part]["status"] == "healthy" for part in HEALTHY_PARTS)


def _wake_desk() -> None:
    """Ask for a page of the desk, so that it draws its pictures before the first reader comes."""
    address = f"http://127.0.0.1:{get_settings().airflow_port}{PREFIX}/"
    with suppress(OSError):  # it refuses a caller who has not signed in
        urllib.request.urlopen(address, timeout=START_SECONDS).close()


def _log(service: str) -> Path:
    return get_settings().logs / "airflow" / f"{service}.log"


def _pid_file(service: str) -> Path:
    folder = get_settings().home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{service}.pid"


def _process(service: str) -> psutil.Process | None:
    """Return the service's process; None if it has ended, even if another has its number now."""
    try:
        noted = _pid_file(service).read_text()
        process = psutil.Process(int(noted.split()[0]))
        if process.status() == psutil.STATUS_ZOMBIE or _identity(process) != noted:
            return None
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process


def _identity(process: psutil.Process) -> str:
    """Return a process's number and when it started, in seconds since boot.

    Since boot, because correcting the machine's clock changes times of day.
    """
    return f"{process.pid} {process.create_time() - psutil.boot_time():.2f}"
