"""The runbooks: each command that they name runs."""

from __future__ import annotations

import re

import pytest

from carepath.publish.publication import PUBLISHER_LOCK
from carepath.settings import PROJECT_ROOT
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

RUNBOOKS = sorted((PROJECT_ROOT / "docs" / "runbooks").glob("*.md"))
DUE = {"gate_held", "source_late", "publish_stuck", "roll_back", "add_a_rule", "night_refused"}


def queries(name: str) -> list[str]:
    """Return the SQL blocks of a runbook."""
    text = (PROJECT_ROOT / "docs" / "runbooks" / f"{name}.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.+?)```", text, flags=re.DOTALL)


def test_runbooks_are_there() -> None:
    assert {page.stem for page in RUNBOOKS} >= DUE


@pytest.mark.usefixtures("warehouse")
def test_runbook_of_a_stuck_publication_names_who_keeps_a_table_of_marts() -> None:
    _, holders = queries("publish_stuck")
    with (
        connect("carepath_owner") as reader,
        connect(ADMINISTRATOR, "warehouse") as admin,
    ):
        reader.execute("select * from marts.publication")
        found = admin.execute(holders).fetchall()
        assert [row[:2] for row in found] == [(reader.info.backend_pid, "carepath_owner")]


@pytest.mark.usefixtures("warehouse")
def test_runbook_of_a_stuck_publication_names_the_publisher_that_keeps_another() -> None:
    waits, _ = queries("publish_stuck")
    with (
        connect("carepath_owner", autocommit=True) as first,
        connect("carepath_owner", autocommit=True) as second,
        connect(ADMINISTRATOR, "warehouse", autocommit=True) as admin,
    ):
        first.execute("select pg_advisory_lock(%s)", [PUBLISHER_LOCK])
        second.pgconn.send_query(f"select pg_advisory_lock({PUBLISHER_LOCK})".encode())
        second.pgconn.flush()
        for _ in range(10_000):  # until the second one's query has reached the server
            if found := admin.execute(waits).fetchall():
                break
        pids = second.info.backend_pid, first.info.backend_pid
        first.execute("select pg_advisory_unlock(%s)", [PUBLISHER_LOCK])
        while second.pgconn.get_result() is not None:
            pass
    (row,) = found
    assert (row[0], row[4], row[9]) == (*pids, "advisory")


@pytest.mark.usefixtures("warehouse")
def test_runbook_of_a_refused_night_says_which_night_may_work() -> None:
    (query,) = queries("night_refused")
    with connect("carepath_loader") as loader:
        loader.execute("insert into ops.runs (run_id, night) values ('run', '2019-06-30')")
        loader.execute("insert into ops.current_night (run_id) values ('run')")
    with connect("carepath_analyst") as analyst:
        found = analyst.execute(query).fetchall()
    assert [(row[0], row[2], row[4]) for row in found] == [("run", "running", "the service")]
