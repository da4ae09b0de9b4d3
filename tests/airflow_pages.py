"""Airflow's pages with the stewards' desk, for tests: the API server alone, and accounts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import tenacity
from werkzeug.security import generate_password_hash

from carepath.desk.people import APPROVER, STEWARD, VIEWER
from carepath.service import configuration
from carepath.service.processes import SERVICES
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

PASSWORD = "correct-horse-battery"
ACCOUNTS = {"viola": VIEWER, "stella": STEWARD, "april": APPROVER, "nora": "Viewer"}


@contextmanager
def api_server(**more: str) -> Iterator[str]:
    """Run the API server without any account; yield its address.

    Args:
        more: further variables of its environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        get_settings().airflow_port = free.getsockname()[1]
    configuration.initialise()
    _remove_accounts()
    log = get_settings().logs / "airflow" / "api-server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *SERVICES["api-server"]],
            env={**configuration.environment(), **more},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=os.environ["CAREPATH_HOME"],
        )
    address = f"http://127.0.0.1:{get_settings().airflow_port}"
    try:
        for attempt in tenacity.Retrying(
            stop=tenacity.stop_after_delay(180),
            wait=tenacity.wait_fixed(0.5),
            retry=tenacity.retry_if_exception_type(OSError),
        ):
            with attempt:
                urllib.request.urlopen(f"{address}/api/v2/version", timeout=5).close()  # noqa: S310
        yield address
    finally:
        family = [
            *psutil.Process(process.pid).children(recursive=True),
            psutil.Process(process.pid),
        ]
        for member in family:
            member.terminate()
        _, alive = psutil.wait_procs(family, timeout=20)
        for member in alive:
            member.kill()


def _remove_accounts() -> None:
    """Remove the accounts of other tests: one of the same name may be of a directory."""
    with connect("airflow_meta", "airflow") as airflow:
        airflow.execute("delete from ab_user_group; delete from ab_user_role; delete from ab_user")


def make_accounts() -> None:
    """Make an account for each role of the desk, and one that has none of them."""
    for name, role in ACCOUNTS.items():
        make_account(name, role)


def make_account(name: str, role: str) -> None:
    """Make an account with a password."""
    with connect("airflow_meta", "airflow") as airflow:
        row = airflow.execute(
            "insert into ab_user (id, first_name, last_name, username, password, active, email)"
            " values (nextval('ab_user_id_seq'), %s, 'Invented', %s, %s, true, %s)"
            " returning id",
            (name.title(), name, generate_password_hash(PASSWORD), f"{name}@council.example"),
        ).fetchone()
        assert row is not None
        airflow.execute(
            "insert into ab_user_role (id, user_id, role_id) select"
            " nextval('ab_user_role_id_seq'), %s, id from ab_role where name = %s",
            (row[0], role),
        )


def request(path: str, token: str | None = None, body: dict[str, Any] | None = None) -> Any:
    """Return the JSON that Airflow answers; a body is sent as JSON.

    Raises:
        urllib.error.HTTPError: Airflow refuses.
    """
    address = f"http://127.0.0.1:{get_settings().airflow_port}{path}"
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(address, data, headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def sign_in(name: str, password: str) -> str:
    """Return a token for an account.

    Raises:
        urllib.error.HTTPError: the password is wrong.
    """
    token = request("/auth/token", body={"username": name, "password": password})["access_token"]
    return str(token)
