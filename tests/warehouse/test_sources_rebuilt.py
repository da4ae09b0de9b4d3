"""A source that is rebuilt while a night reads it: the rebuild waits, or the load is refused."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from small_recording_system import TABLES, SmallRecordingSystem, everything, warehouse_rows
from sqlalchemy.engine import make_url

from carepath.contract import load_contract
from carepath.errors import CarepathError, DeliveryError, SourceError
from carepath.settings import get_settings
from carepath.sources import database, open_source, postgres
from carepath.sources.address import address
from carepath.sources.database import DatabaseSource
from carepath.warehouse.connect import connect, url

CONTACTS = load_contract().tables["ssd_contacts"]
LEAVERS = load_contract().tables["ssd_care_leavers"]

AGAIN = f"create table ssd_care_leavers ({TABLES['ssd_care_leavers']})"
FILL = (
    "insert into ssd_care_leavers (clea_table_id, clea_person_id, clea_care_leaver_eligibility,"
    " clea_care_leaver_in_touch, clea_pathway_plan_review_date)"
    " select '1', 'P' || n, 'Former Relevant', 'YES', '2017-05-01' from generate_series(1, 15) n"
)
# every way of making the table again, as one transaction
REBUILDS = {
    "truncate": f"truncate ssd_care_leavers; {FILL}",
    "drop and create": f"drop table ssd_care_leavers; {AGAIN}; {FILL}",
    "swap by rename": f"alter table ssd_care_leavers rename to old; {AGAIN}; {FILL}",
}


@pytest.fixture
def system(warehouse: None, request: pytest.FixtureRequest) -> SmallRecordingSystem:
    """Fifteen care leavers and 100 contacts."""
    number = request.session.items.index(request.node)
    system = SmallRecordingSystem(f"rebuilt_{number}", f"E094{number:05d}")
    system.execute(FILL)
    system.add_contacts(100)
    return system


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 1.5)


def current(system: SmallRecordingSystem) -> list[tuple[Any, ...]]:
    """Return how many care leavers history has, and how many of them are closed."""
    return warehouse_rows(
        "select count(*), count(to_load) from history.ssd_care_leavers where authority = %s",
        (system.spec.authority,),
    )


@contextmanager
def in_the_background(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(timeout=60)
    assert not thread.is_alive()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_waiting(schema: str) -> bool:
    """Tell whether a session waits for a lock on a table of the schema."""
    with connect("recording_system", "recording_system") as connection:
        found = connection.execute(
            "select count(*) from pg_locks inner join pg_class as c on c.oid = relation"
            " where not granted and relnamespace = %s::regnamespace",
            (schema,),
        ).fetchone()
    return bool(found and found[0])


@pytest.mark.parametrize("how", REBUILDS)
@pytest.mark.parametrize("read_before", [True, False])
def test_rebuild_while_tables_are_read_waits_and_nothing_is_lost(
    system: SmallRecordingSystem, how: str, read_before: bool
) -> None:
    rebuild = in_the_background(
        lambda: (wait_until(opened.is_set), system.execute(REBUILDS[how]))[1]
    )
    with rebuild, open_source(system.spec).open() as source:
        if read_before:
            b"".join(source.stream(CONTACTS, ["cont_contact_id"]))
        opened.set()
        wait_until(lambda: is_waiting(system.schema))
        # every reader has its locks, so none of them waits behind the rebuild
        sent = b"".join(source.stream(LEAVERS, ["clea_person_id"]))
        assert len(sent.splitlines()) == 15
        assert source.count_now([LEAVERS]) == {"ssd_care_leavers": 15}
    with open_source(system.spec).open() as source:
        assert len(b"".join(source.stream(LEAVERS, ["clea_person_id"])).splitlines()) == 15


@pytest.fixture(autouse=True)
def _opened() -> None:
    opened.clear()


opened = threading.Event()


@pytest.mark.fault(
    "The source is rebuilt during a load.",
    "No record is closed and no person is lost.",
)
@pytest.mark.parametrize("how", REBUILDS)
def test_rebuild_during_a_load_closes_and_loses_no_person(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(get_settings(), "parallel_tables", 1)  # the contacts are read first
    # a view that is read slowly takes the place of a large table
    system.execute(
        "alter table ssd_contacts rename to contacts; create view ssd_contacts as select"
        " cont_contact_id, cont_person_id, cont_contact_date, cont_contact_source_code,"
        " cont_contact_source_desc, pg_sleep(0.01)::text as cont_contact_outcome_json from contacts"
    )
    system.load("2017-11-29")
    assert current(system) == [(15, 0)]

    def rebuild() -> None:
        wait_until(lambda: is_read(system.schema))
        system.execute(REBUILDS[how])

    with in_the_background(rebuild):
        system.load("2017-11-30")
    assert current(system) == [(15, 0)]


def is_read(schema: str) -> bool:
    with connect("recording_system", "recording_system") as connection:
        found = connection.execute(
            "select count(*) from pg_stat_activity where query like 'copy%%' and query like %s"
            " and state = 'active'",
            (f"%{schema}%",),
        ).fetchone()
    return bool(found and found[0])


@pytest.mark.parametrize("how", REBUILDS)
def test_night_waits_for_a_rebuild_that_ends(system: SmallRecordingSystem, how: str) -> None:
    with connect("recording_system", "recording_system") as rebuild:
        rebuild.execute(f"set search_path = {system.schema}")  # type: ignore[arg-type]
        rebuild.execute(REBUILDS[how])  # type: ignore[arg-type]

        def end() -> None:
            time.sleep(0.7)  # longer than the night waits for a lock before it tries again
            rebuild.commit()

        with in_the_background(end):
            result = system.load("2017-11-30")
    rows = {each.table: each.row_count for each in result.tables}
    assert rows["ssd_care_leavers"] == 15


@pytest.mark.fault(
    "A rebuild holds a lock on a table of the source and does not end.",
    "The load gives up, names the table, and does not disturb the rebuild.",
)
@pytest.mark.usefixtures("impatient")
def test_rebuild_that_does_not_end_is_named_and_not_disturbed(
    system: SmallRecordingSystem,
) -> None:
    with connect("recording_system", "recording_system") as rebuild:
        rebuild.execute(f"set search_path = {system.schema}")  # type: ignore[arg-type]
        rebuild.execute("truncate ssd_care_leavers")
        with pytest.raises(SourceError, match="table ssd_care_leavers: Another session") as caught:
            system.load("2017-11-30")
        assert "accept" not in str(caught.value)
        rebuild.execute("truncate ssd_contacts")  # nothing that the night held is in its way
    assert current(system) == [(0, 0)]


@pytest.mark.usefixtures("impatient")
def test_rebuild_that_holds_one_table_and_wants_another_is_not_cancelled(
    system: SmallRecordingSystem,
) -> None:
    with connect("recording_system", "recording_system") as rebuild:
        rebuild.execute(f"set search_path = {system.schema}")  # type: ignore[arg-type]
        rebuild.execute("truncate ssd_contacts")

        def load() -> None:
            with pytest.raises(SourceError, match="Another session"):
                system.load("2017-11-30")

        with in_the_background(load):
            wait_until(lambda: is_waiting(system.schema))
            rebuild.execute("truncate ssd_care_leavers")


def test_schemas_that_change_places_while_they_are_read_are_noticed(
    system: SmallRecordingSystem,
) -> None:
    """Renaming a schema waits for no table, and a name then means a table of the other one."""
    before = state()
    with open_source(system.spec).open() as source:
        assert len(b"".join(source.stream(CONTACTS, ["cont_contact_id"])).splitlines()) == 100
        change_places(system)
        with pytest.raises(SourceError, match="rebuilt while it was being read"):
            source.count_now([])
    with open_source(system.spec).open() as source:
        source.count_now([])
    assert state() == before


def change_places(system: SmallRecordingSystem) -> None:
    new = SmallRecordingSystem(f"{system.schema}_new", system.spec.authority)
    new.execute(FILL)
    new.add_contacts(100)
    new.execute(
        f"alter schema {system.schema} rename to {system.schema}_old;"
        f"alter schema {new.schema} rename to {system.schema}"
    )


def state() -> dict[str, list[tuple[Any, ...]]]:
    with connect("carepath_loader") as connection:
        return everything(connection)


@pytest.mark.fault("The source swaps its schemas during a load.", "The load is refused.")
def test_schemas_that_change_places_during_a_load_refuse_it(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.load("2017-11-29")
    before = state()
    real = postgres._PostgresSession.stream

    def stream(*arguments: Any) -> Iterator[bytes]:
        if not opened.is_set():
            opened.set()
            change_places(system)
        return real(*arguments)

    monkeypatch.setattr(get_settings(), "parallel_tables", 1)
    monkeypatch.setattr(postgres._PostgresSession, "stream", stream)
    with pytest.raises(SourceError, match="rebuilt while it was being read") as caught:
        system.load("2017-11-30")
    assert "accept" not in str(caught.value)
    assert state() == before


@pytest.mark.fault("The source is filled while it is read.", "The load is refused.")
@pytest.mark.parametrize("loaded_before", [True, False])
@pytest.mark.parametrize("people_at_first", [0, 5])
def test_source_that_is_filled_while_it_is_read_is_refused(
    system: SmallRecordingSystem,
    monkeypatch: pytest.MonkeyPatch,
    loaded_before: bool,
    people_at_first: int,
) -> None:
    """A rebuild without a transaction: the tables are empty for all to see, then fill."""
    if loaded_before:
        system.load("2017-11-29")
    before = state() if loaded_before else None
    system.execute(
        "delete from ssd_care_leavers where right(clea_person_id, -1)::integer > %s",
        (people_at_first,),
    )
    fill_once_read(monkeypatch, postgres._PostgresSession, system)
    with pytest.raises(DeliveryError, match="the source is being rebuilt") as caught:
        system.load("2017-11-30")
    assert f"had {people_at_first} rows when it was read" in str(caught.value)
    assert "table ssd_care_leavers" in str(caught.value)
    assert "accept" not in str(caught.value)
    assert before is None or state() == before


def fill_once_read(monkeypatch: pytest.MonkeyPatch, session: Any, system: Any) -> None:
    real = session.stream

    def stream(self: Any, table: Any, columns: Any) -> Iterator[bytes]:
        yield from real(self, table, columns)
        if table.name == "ssd_care_leavers":
            system.execute(FILL)

    monkeypatch.setattr(session, "stream", stream)


def test_truncated_table_that_is_being_filled_is_not_to_be_accepted(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "truncation_floor", 5)
    system.load("2017-11-29")
    system.execute("delete from ssd_care_leavers")
    fill_once_read(monkeypatch, postgres._PostgresSession, system)
    with pytest.raises(DeliveryError, match="the source is being rebuilt") as caught:
        system.load("2017-11-30")
    assert "accept" not in str(caught.value)


def test_few_rows_that_arrive_while_a_source_is_read_are_no_rebuild(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = postgres._PostgresSession.stream

    def stream(self: Any, table: Any, columns: Any) -> Iterator[bytes]:
        yield from real(self, table, columns)
        if table.name == "ssd_contacts":
            system.execute("insert into ssd_contacts (cont_contact_id) values ('C101')")

    monkeypatch.setattr(postgres._PostgresSession, "stream", stream)
    assert system.load("2017-11-30").load_id > 0


@pytest.mark.fault(
    "The account may not read a table.",
    "The load stops, and its message names the table.",
)
def test_account_that_may_not_read_a_table_is_told_which(system: SmallRecordingSystem) -> None:
    spec = dataclasses.replace(system.spec, url=url("recording_reader", "recording_system"))
    system.execute(
        f"grant usage on schema {system.schema} to recording_reader;"
        "grant select on ssd_contacts, local_eet_status to recording_reader;"
        "revoke all on ssd_care_leavers from recording_reader"
    )
    with pytest.raises(SourceError, match=r"table ssd_care_leavers.*permission denied"):
        open_source(spec).open().__enter__()
    # rights on some columns are enough to hold a table and to read them
    system.execute("grant select (clea_person_id) on ssd_care_leavers to recording_reader")
    with open_source(spec).open() as source:
        assert len(b"".join(source.stream(LEAVERS, ["clea_person_id"])).splitlines()) == 15


def test_what_a_view_or_a_materialised_view_reads_is_held_too(
    system: SmallRecordingSystem,
) -> None:
    system.execute(
        "alter table ssd_care_leavers rename to leavers;"
        "create view ssd_care_leavers as select * from leavers;"
        "alter table ssd_contacts rename to contacts;"
        "create materialized view ssd_contacts as select * from contacts"
    )
    for statement in ("truncate leavers", "refresh materialized view ssd_contacts"):
        with open_source(system.spec).open(), pytest.raises(psycopg.errors.LockNotAvailable):
            system.execute(f"set lock_timeout = '100ms'; {statement}")
        system.execute(statement)


@pytest.fixture
def through_sqlalchemy(system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same source read as from any other database."""
    here = url("recording_system", "recording_system", driver="psycopg")
    source = DatabaseSource(system.spec, address(make_url(here), []))
    monkeypatch.setattr("carepath.landing.load.open_source", lambda _: source)
    return source


def test_other_database_holds_its_tables_from_the_beginning(
    system: SmallRecordingSystem, through_sqlalchemy: DatabaseSource
) -> None:
    with through_sqlalchemy.open(), pytest.raises(psycopg.errors.LockNotAvailable):
        system.execute("set lock_timeout = '100ms'; truncate ssd_care_leavers")


@pytest.mark.usefixtures("through_sqlalchemy")
def test_other_database_without_snapshots_notices_a_table_that_was_emptied(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ISOLATION", {"postgresql": "READ COMMITTED"})
    monkeypatch.setattr(get_settings(), "parallel_tables", 1)
    system.load("2017-11-29")
    real = database._DatabaseSession.stream

    def stream(self: Any, table: Any, columns: Any) -> Iterator[bytes]:
        if table.name == "ssd_care_leavers":
            system.execute("delete from ssd_care_leavers")
        return real(self, table, columns)

    monkeypatch.setattr(database._DatabaseSession, "stream", stream)
    with pytest.raises(CarepathError, match="rebuilt while it was being read") as caught:
        system.load("2017-11-30")
    assert "accept" not in str(caught.value)
    assert current(system) == [(15, 0)]


@pytest.mark.usefixtures("through_sqlalchemy")
def test_other_database_that_is_filled_while_it_is_read_is_refused(
    system: SmallRecordingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.execute("delete from ssd_care_leavers")
    fill_once_read(monkeypatch, database._DatabaseSession, system)
    with pytest.raises(DeliveryError, match="the source is being rebuilt"):
        system.load("2017-11-30")


def test_other_database_whose_table_appears_while_it_is_read_is_refused(
    system: SmallRecordingSystem, through_sqlalchemy: DatabaseSource
) -> None:
    with through_sqlalchemy.open() as source:
        system.execute("create table ssd_person (pers_person_id text)")
        with pytest.raises(SourceError, match="table ssd_person: The source was rebuilt"):
            source.count_now([])
