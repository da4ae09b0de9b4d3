"""A load that fails or is killed leaves landing and history as they were, and can be run again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_recording_system import SmallRecordingSystem, everything, warehouse_rows

from carepath.errors import DeliveryError, SourceError
from carepath.settings import get_settings
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

# Loads the source, and kills itself with SIGKILL at the given point.
LOAD_AND_DIE = """
import os, signal, sys
from small_recording_system import SmallRecordingSystem
import importlib
extract, history = map(
    importlib.import_module, ("carepath.landing.extract", "carepath.landing.history"))

def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

schema, authority, place = sys.argv[1:]
if place == "extract":
    extract._is_truncated = die
elif place == "comparison":
    history._compare = die
elif place == "history":
    history.swap = die
elif place == "before commit":
    history._record = die
system = SmallRecordingSystem(schema, authority, exists=True)
system.load("2017-12-01")
"""


@pytest.fixture
def system(request: pytest.FixtureRequest) -> SmallRecordingSystem:
    """A recording system with care leavers and contacts, loaded once and changed since."""
    number = request.session.items.index(request.node)
    system = SmallRecordingSystem(f"landing_{number}", f"E098{number:05d}")
    system.add_leaver("P1")
    system.add_leaver("P2")
    system.add_contacts(500)
    system.load("2017-11-30")
    system.execute(
        "update ssd_care_leavers set clea_care_leaver_activity = 'G5' where clea_person_id = 'P1'"
    )
    system.execute("delete from ssd_contacts where cont_contact_id = 'C1'")
    return system


@pytest.fixture
def before(system: SmallRecordingSystem) -> dict[str, Any]:
    """All rows of landing and history before the load under test."""
    with connect("carepath_loader") as connection:
        return everything(connection)


def after() -> dict[str, Any]:
    with connect("carepath_loader") as connection:
        return everything(connection)


def last_load() -> tuple[str, str]:
    return warehouse_rows("select state, message from ops.loads order by load_id desc limit 1")[0]


@pytest.mark.fault(
    "A load is killed with SIGKILL while it reads or writes.",
    "Staging and history are as before, and the same load can run again.",
)
@pytest.mark.parametrize("place", ["extract", "comparison", "history", "before commit"])
def test_killed_load_leaves_all_as_it_was_and_runs_again(
    system: SmallRecordingSystem, before: dict[str, Any], place: str
) -> None:
    died = subprocess.run(
        [sys.executable, "-c", LOAD_AND_DIE, system.schema, system.spec.authority, place],
        cwd=Path(__file__).parents[1], capture_output=True, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert after() == before
    result = system.load("2017-12-01")
    assert {(t.table, t.opened_count, t.closed_count) for t in result.tables} == {
        ("ssd_care_leavers", 1, 1),
        ("ssd_contacts", 0, 1),
        ("local_eet_status", 0, 0),
    }
    states = warehouse_rows(
        "select state from ops.loads where source = %s order by load_id", (system.spec.name,)
    )
    assert states == [("loaded",), ("failed",), ("loaded",)]
    assert warehouse_rows("select count(*) from landing.changes") == [(0,)]


def test_load_that_history_has_taken_stays_loaded_when_later_steps_fail(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("carepath.landing.load.analyse", fail)
    with pytest.raises(RuntimeError):
        system.load("2017-12-01")
    assert last_load() == ("loaded", None)
    monkeypatch.undo()
    # the source takes its change back: the very bytes of the delivery before, and yet a change
    system.execute(
        "update ssd_care_leavers set clea_care_leaver_activity = 'F2' where clea_person_id = 'P1'"
    )
    result = system.load("2017-12-02")
    changed = {t.table: (t.opened_count, t.closed_count) for t in result.tables}
    assert changed["ssd_care_leavers"] == (1, 1)


def test_missing_required_column_stops_before_anything_is_read(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    system.execute("alter table ssd_care_leavers drop column clea_care_leaver_activity")
    with pytest.raises(SourceError, match=r"ssd_care_leavers\.clea_care_leaver_activity"):
        system.load("2017-12-01")
    assert after() == before
    state, message = last_load()
    assert state == "failed"
    assert "clea_care_leaver_activity" in message


@pytest.mark.fault(
    "The source cannot be reached.",
    "The load stops. Its message names the source and shows no password.",
)
def test_unreachable_source_stops_with_its_name_and_no_password(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    good = system.spec
    object.__setattr__(
        system, "spec", type(good)(**{**vars(good), "url": "postgresql://r:hunter2@127.0.0.1:9/x"})
    )
    with pytest.raises(SourceError, match="cannot be reached") as caught:
        system.load("2017-12-01")
    assert good.name in str(caught.value)
    assert "hunter2" not in str(caught.value) + last_load()[1]
    assert after() == before


@pytest.mark.fault(
    "The source fails in the middle of a table.",
    "Nothing of the delivery is loaded.",
)
def test_source_that_fails_on_the_way_stops_the_load(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    # a view that divides by zero at its last row stands for any failure while rows flow
    system.execute(
        "alter table ssd_contacts rename to contacts;"
        "create view ssd_contacts as select cont_contact_id, cont_person_id, cont_contact_date,"
        " (1 / (500 - right(cont_contact_id, -1)::integer))::text as cont_contact_source_code,"
        " cont_contact_source_desc, cont_contact_outcome_json from contacts"
    )
    with pytest.raises(SourceError, match="table ssd_contacts: Reading stopped: a value cannot"):
        system.load("2017-12-01")
    assert after() == before


@pytest.mark.fault(
    "A table of the source has lost most of its rows.",
    "The load stops until a person accepts the loss.",
)
def test_truncated_table_stops_the_load_and_is_accepted_on_demand(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    system.execute("delete from ssd_contacts where right(cont_contact_id, -1)::integer > 300")
    with pytest.raises(DeliveryError, match="500 rows in the last delivery, 299 now") as caught:
        system.load("2017-12-01")
    assert "table ssd_contacts" in str(caught.value)
    assert "--accept-truncation ssd_contacts" in str(caught.value)
    assert after() == before
    result = system.load("2017-12-01", accept_truncation=["ssd_contacts"])
    assert next(t.closed_count for t in result.tables if t.table == "ssd_contacts") == 201


def test_table_that_vanishes_counts_as_truncated(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    system.execute("drop table ssd_contacts")
    with pytest.raises(DeliveryError, match="500 rows in the last delivery, 0 now"):
        system.load("2017-12-01")
    assert after() == before


def test_optional_column_that_vanishes_stops_the_load_and_is_accepted_on_demand(
    system: SmallRecordingSystem, before: dict[str, Any]
) -> None:
    system.execute("alter table ssd_contacts drop column cont_contact_source_code")
    with pytest.raises(DeliveryError, match="lost cont_contact_source_code") as caught:
        system.load("2017-12-01")
    assert "table ssd_contacts" in str(caught.value)
    assert "--accept-truncation ssd_contacts" in str(caught.value)
    assert after() == before
    assert system.load("2017-12-01", accept_truncation=["ssd_contacts"]).load_id > 0
    # the next delivery is compared with the one that was accepted
    assert system.load("2017-12-02").load_id > 0


def test_small_losses_are_not_truncation(system: SmallRecordingSystem) -> None:
    system.execute("delete from ssd_care_leavers")  # all of two rows
    system.execute("delete from ssd_contacts where right(cont_contact_id, -1)::integer > 450")
    assert system.load("2017-12-01").load_id > 0


def test_bytes_that_are_no_text_are_named_without_their_value(
    system: SmallRecordingSystem, before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from carepath.sources import postgres

    real = postgres.copy_out
    monkeypatch.setattr(
        postgres, "copy_out", lambda *args: (c.replace(b"P7\t", b"P\xff\t") for c in real(*args))
    )
    with pytest.raises(DeliveryError, match="table ssd_contacts") as caught:
        system.load("2017-12-01")
    assert "P7" not in str(caught.value)
    assert "COPY" not in str(caught.value)  # PostgreSQL's context quotes the line
    assert after() == before


def test_loader_cannot_delete_a_version_or_alter_what_it_says(
    system: SmallRecordingSystem,
) -> None:
    import psycopg

    for statement in (
        "delete from history.ssd_contacts",
        "truncate history.ssd_contacts",
        "update history.ssd_contacts set record_key = 'X'",
        f"delete from history.ssd_contacts__{system.spec.authority.lower()}",
    ):
        with (
            connect("carepath_loader") as loader,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            loader.execute(statement)


def test_parallel_tables_limit_the_connections_to_the_source(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carepath.sources.postgres import PostgresSource

    opened = []
    real = PostgresSource.connect

    def count(self: PostgresSource, snapshot: str | None = None, **options: Any) -> Any:
        opened.append(snapshot)
        return real(self, snapshot, **options)

    monkeypatch.setattr(PostgresSource, "connect", count)
    monkeypatch.setattr(get_settings(), "parallel_tables", 2)
    system.load("2017-12-01")
    assert opened[:2] == [None, None]  # the guard, and the reader that takes the snapshot
    assert len(opened) == 3
    assert opened[2] is not None
