"""`carepath up` and `down`: Airflow as a service, behind a log-in, on 127.0.0.1 only."""

from __future__ import annotations

import datetime as dt
import os
import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import tenacity
from airflow_pages import request, sign_in

from carepath.audit import read_audit
from carepath.service import metadata, processes
from carepath.settings import get_settings
from carepath.warehouse import roles
from carepath.warehouse.connect import connect

BEFORE: set[tuple[str, str]] = set()


@pytest.fixture(scope="module")
def service(warehouse: None) -> Iterator[str | None]:
    """The service, started for the first time; yields the administrator's password."""
    roles.recreate_database("airflow")  # other tests make accounts and run nights
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        get_settings().airflow_port = free.getsockname()[1]
    BEFORE.update(listening())
    try:
        yield processes.start_services(lambda line: None)
    finally:
        processes.stop_services()


def test_up_serves_the_nightly_load_switched_on_behind_a_log_in(service: str | None) -> None:
    assert service is not None
    with pytest.raises(urllib.error.HTTPError) as refused:
        request("/api/v2/dags")
    assert refused.value.code == 401

    token = sign_in("admin", service)
    dag = request("/api/v2/dags/nightly_load", token)

    assert dag["is_paused"] is False
    assert dag["timetable_summary"] == "0 2 * * *"
    assert request("/api/v2/importErrors", token)["total_entries"] == 0


def test_sign_in_and_a_wrong_password_are_in_the_audit(service: str | None) -> None:
    assert service is not None
    before = len(read_audit())
    sign_in("admin", service)
    for name in ("admin", "a-password-in-the-wrong-field"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            sign_in(name, "wrong")
        assert refused.value.code == 401

    deeds = read_audit()[: len(read_audit()) - before]
    assert [(deed.done_by, deed.what) for deed in reversed(deeds)] == [
        ("admin", "signed in"),
        ("admin", "was refused at sign-in"),
    ]


def test_up_begins_no_night_that_was_due_an_hour_ago_and_notes_tonight(
    service: str | None,
) -> None:
    hours_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1, minutes=10)
    with connect("airflow_meta", "airflow") as airflow:
        begun = airflow.execute("select run_after from dag_run").fetchall()
    assert [due for (due,) in begun if due < hours_ago] == []
    noted = metadata.next_night()
    assert noted is not None
    london = noted.astimezone(ZoneInfo("Europe/London"))
    assert (london.hour, london.minute) == (2, 0)
    now = dt.datetime.now(dt.UTC)
    assert now - dt.timedelta(hours=1) < noted < now + dt.timedelta(hours=25)


def test_night_that_a_person_asks_for_is_refused_in_words_without_a_source(
    service: str | None,
) -> None:
    assert service is not None
    token = sign_in("admin", service)
    asked = {"logical_date": None, "conf": {"night": "2019-06-30"}}
    run_id = request("/api/v2/dags/nightly_load/dagRuns", token, asked)["dag_run_id"]
    path = f"/api/v2/dags/nightly_load/dagRuns/{quote(run_id)}"

    until_noted = tenacity.Retrying(
        stop=tenacity.stop_after_delay(300),
        wait=tenacity.wait_fixed(1),
        retry=tenacity.retry_if_result(lambda run: not run["note"]),
    )
    run = until_noted(request, path, token)
    refusal = "No recording system is listed, so there is nothing to load."
    assert run["state"] == "failed"
    assert refusal in run["note"]
    assert "What to do" in run["note"]
    tasks = request(f"{path}/taskInstances", token)["task_instances"]
    notes = {task["task_id"]: task["note"] for task in tasks}
    assert refusal in notes["plan"]
    (failed,) = (run for run in metadata.runs_without_a_night() if run.run_id == run_id)
    assert refusal in failed.reason


def test_up_listens_on_the_loopback_address_only(service: str | None) -> None:
    opened = listening() - BEFORE
    assert opened, "the service listens nowhere"
    assert {address for _, address in opened} == {"0100007F"}


def test_up_twice_keeps_the_service_and_tells_no_second_password(service: str | None) -> None:
    before = dict(processes.running_services())
    assert processes.start_services(lambda line: None) is None
    assert dict(processes.running_services()) == before


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
