"""`carepath up` and `down`: Airflow as a service, behind a log-in, on 127.0.0.1 only."""

from __future__ import annotations

import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carepath import orchestration
from carepath.settings import get_settings

BEFORE: set[tuple[str, str]] = set()


@pytest.fixture(scope="module")
def service(cluster: object) -> Iterator[str | None]:
    """The running service; yields the administrator's password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        get_settings().airflow_port = free.getsockname()[1]
    BEFORE.update(listening())
    try:
        yield orchestration.start_services(lambda line: None)
    finally:
        orchestration.stop_services()


def request(path: str, token: str | None = None, body: dict[str, str] | None = None) -> Any:
    """Return the JSON that Airflow answers."""
    address = f"http://127.0.0.1:{get_settings().airflow_port}{path}"
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(
        urllib.request.Request(address, data, headers), timeout=30
    ) as answer:
        return json.load(answer)


def test_up_serves_the_nightly_load_switched_on_behind_a_log_in(service: str | None) -> None:
    assert service is not None
    with pytest.raises(urllib.error.HTTPError) as refused:
        request("/api/v2/dags")
    assert refused.value.code == 401

    token = request("/auth/token", body={"username": "admin", "password": service})["access_token"]
    dag = request("/api/v2/dags/nightly_load", token)

    assert dag["is_paused"] is False
    assert dag["timetable_summary"] == "0 2 * * *"
    assert request("/api/v2/importErrors", token)["total_entries"] == 0


def test_up_listens_on_the_loopback_address_only(service: str | None) -> None:
    opened = listening() - BEFORE
    assert opened, "the service listens nowhere"
    assert {address for _, address in opened} == {"0100007F"}


def test_up_twice_keeps_the_service_and_tells_no_second_password(service: str | None) -> None:
    before = dict(orchestration.running_services())
    assert orchestration.start_services(lambda line: None) is None
    assert dict(orchestration.running_services()) == before


def listening() -> set[tuple[str, str]]:
    """Return this account's listening sockets: inode and address, as the kernel writes it.

    By account, not by process: some of Airflow's processes do not let themselves be looked into.
    """
    return {
        (fields[9], fields[1].partition(":")[0])
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and int(fields[7]) == os.getuid()
    }
