"""Retention: who is due, hold, two people, and a disposal that leaves only a hash and a count."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest
from canary_child import (
    AUTHORITY,
    CASE,
    WORD,
    CanarySystem,
    canary_key,
    load_only,
    rows,
    run_night,
    tables_that_say,
)

from carepath.audit import read_audit
from carepath.errors import CarepathError, NightError, RetentionError
from carepath.night import lock, steps
from carepath.retention import decide
from carepath.retention.disposal import dispose
from carepath.retention.due import read_due
from carepath.settings import get_settings
from carepath.site.retention import RETENTION
from carepath.sources import write_sources
from carepath.warehouse.connect import connect

FIRST, SECOND, THIRD, FOURTH = (dt.date(2019, 6, day) for day in (27, 28, 29, 30))
OTHERS = "select md5(string_agg(t::text, ',' order by t::text)) from {} as t where t::text !~* %s"


@pytest.fixture(scope="module")
def system(
    staged_warehouse: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CanarySystem]:
    """A published night with the canary."""
    found = CanarySystem(tmp_path_factory.mktemp("source") / "whole.sqlite")
    write_sources([found.spec])
    with lock.driving():
        assert run_night("first", FIRST) == "published"
    yield found
    get_settings().sources_file.unlink()


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann works here, unless a test says otherwise."""
    monkeypatch.setenv("SUDO_USER", "ann")


def state_of_canary() -> str:
    with connect("carepath_owner") as owner:
        (found,) = read_due(owner, AUTHORITY, CASE.lower())
    return found.state


def others() -> dict[str, str | None]:
    """Return, of every table with records, a checksum of the rows that do not name the canary."""
    found = {}
    for (name,) in rows(
        "select format('%I.%I', nspname, relname) from pg_class"
        " inner join pg_namespace on relnamespace = pg_namespace.oid"
        " where relkind in ('r', 'm') and nspname ~ '^(landing|history|core|identity|marts)'"
        " and relname <> 'disposed_people'"
        " and relname !~ '^(ssd_s251|local_placement_costs|disposal_requests|legal_holds)'"
    ):
        ((found[str(name)],),) = rows(OTHERS.format(name), f"{WORD}|{canary_key()}")
    return found


def everything() -> dict[str, str | None]:
    """Return a checksum of every table of the warehouse."""
    return {
        name: rows(f"select md5(string_agg(t::text, ',' order by t::text)) from {name} as t")[0][0]
        for (name,) in rows(
            "select format('%I.%I', nspname, relname) from pg_class"
            " inner join pg_namespace on relnamespace = pg_namespace.oid"
            " where relkind in ('r', 'm') and nspname !~ '^(pg_|information_schema$)'"
        )
    }


def test_person_who_is_still_delivered_is_not_due(system: CanarySystem) -> None:
    assert state_of_canary() == "still delivered"
    with pytest.raises(RetentionError, match="still delivers"):
        decide.ask(AUTHORITY, CASE)


def test_dates_count_from_birth_death_and_adoption(system: CanarySystem) -> None:
    with connect("carepath_owner") as owner:
        people = {each.case_id: each for each in read_due(owner)}
        assert people[CASE].kind == "looked after"
        assert people[CASE].due_on == dt.date(2014, 5, 5)  # born on 5 May 1939
        # E11 on 1 January 2018
        assert (people["P1"].kind, people["P1"].due_on) == ("adopted", dt.date(2118, 1, 1))
        owner.execute(
            "update history.ssd_person set pers_death_date = '1950-03-01 00:00:00'"
            " where pers_person_id = %s",
            (CASE,),
        )
        assert read_due(owner, AUTHORITY, CASE)[0].due_on == dt.date(1965, 3, 1)
        owner.execute(
            "update history.ssd_person set pers_death_date = '1990-03-01'"
            " where pers_person_id = %s",
            (CASE,),
        )
        assert read_due(owner, AUTHORITY, CASE)[0].due_on == dt.date(2014, 5, 5)
        owner.execute("delete from history.ssd_cla_episodes where clae_person_id = 'P2'")
        found = read_due(owner, AUTHORITY, "P2")[0]
        assert (found.kind, found.due_on, found.state) == (
            "other",
            dt.date(2025, 1, 1),
            found.state,
        )
        owner.execute("update history.ssd_person set pers_dob = '31/02/2000' where pers_dob <> ''")
        assert {each.state for each in read_due(owner)} == {"no date"}
        owner.rollback()


def test_setting_shorter_than_the_law_is_refused(system: CanarySystem) -> None:
    path = get_settings().home / "site" / RETENTION
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_text("looked_after: 80\n")
        with connect("carepath_owner") as owner:
            assert read_due(owner, AUTHORITY, CASE)[0].due_on == dt.date(2019, 5, 5)
            for wrong in ("looked_after: 74\n", "adopted: 99\n", "others: 25\n", "- 1\n"):
                path.write_text(wrong)
                with pytest.raises(CarepathError, match=RETENTION):
                    read_due(owner, AUTHORITY, CASE)
    finally:
        path.unlink()


def test_disposal_removes_every_copy_and_nothing_else(system: CanarySystem) -> None:
    system.forget_canary()
    with lock.driving():
        load_only("second", SECOND)
    with pytest.raises(RetentionError, match="no person"):
        decide.ask(AUTHORITY, "P99")
    assert state_of_canary() == "due"
    decide.hold(AUTHORITY, CASE, "an inquiry")
    assert state_of_canary() == "on hold"
    with pytest.raises(RetentionError, match="legal hold"):
        decide.ask(AUTHORITY, CASE)
    decide.release(AUTHORITY, CASE, "the inquiry has ended")
    request = decide.ask(AUTHORITY, CASE)
    decide.hold(AUTHORITY, CASE, "another inquiry")
    os.environ["SUDO_USER"] = "ben"
    with pytest.raises(RetentionError, match="legal hold"):
        dispose(request)
    decide.release(AUTHORITY, CASE, "it has ended too")
    os.environ["SUDO_USER"] = "Ann "
    with pytest.raises(RetentionError, match="another person"):
        dispose(request)
    os.environ["SUDO_USER"] = "ben"
    _is_killed_in_the_middle(request)
    words = (WORD, str(canary_key()))
    before, held = others(), tables_that_say(*words)
    assert sum(held.values()) > 40
    removed = dispose(request)
    assert tables_that_say(*words) == {}
    # costs of a placement name nobody, and the scan finds them by their id
    assert set(held) <= set(removed)
    assert others() == before
    ((counts, asked_by, done_by),) = rows(
        "select rows_removed, asked_by, done_by from ops.disposals"
    )
    assert (counts, asked_by, done_by) == (dict(removed), "ann", "ben")
    assert rows("select count(*) from identity.disposed_people") == [(1,)]
    assert read_audit(by="ben", limit=1)[0].what == "disposed of the records of a person"
    assert not any(WORD in deed.detail for deed in read_audit())


def _is_killed_in_the_middle(request: int) -> None:
    """Kill the command while it waits for a table in the middle: everything is as it was."""
    before = everything()
    code = (
        "from carepath.retention.disposal import dispose\n"
        f"dispose({request}, lambda table, count: print(table, flush=True))"
    )
    with connect("carepath_owner") as blocker:
        blocker.execute("lock table core.dim_young_person in access exclusive mode")
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CAREPATH_HOME": str(get_settings().home)},
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith(("ops", "quality", "marts"))
        _wait_for_a_lock()
        process.kill()
        process.communicate()
        assert process.returncode == -9
    assert everything() == before


def _wait_for_a_lock() -> None:
    for _ in range(300):
        if rows("select 1 from pg_locks where not granted"):
            return
        time.sleep(0.1)
    raise AssertionError("the disposal did not wait for the table")


def test_nothing_is_disposed_of_while_a_night_runs(system: CanarySystem) -> None:
    with lock.driving():
        steps.plan("running", THIRD, None, "test")
        with pytest.raises(NightError, match="only one night"):
            dispose(1)


@pytest.mark.parametrize("role", ["carepath_owner", "carepath_loader"])
@pytest.mark.parametrize(
    "statement",
    [
        "update ops.disposals set asked_by = 'nobody'",
        "delete from ops.disposals",
        "delete from identity.disposed_people",
        "truncate identity.disposed_people, ops.disposals",
        "insert into ops.disposals (authority, kind, rows_removed, asked_by, done_by)"
        " values ('E09900001', 'other', '{}', 'ann', ' ANN')",
    ],
)
def test_register_only_grows_and_needs_two_people(
    system: CanarySystem, role: str, statement: str
) -> None:
    with connect(role) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement)
    assert isinstance(
        refused.value, (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)
    )


def test_next_night_publishes_and_reports_the_person_who_comes_back(
    system: CanarySystem,
) -> None:
    known = "select count(*) from history.ssd_person where known_from <= %s"
    before = rows(known, FIRST)
    system.remember_canary()
    with lock.driving():
        assert run_night("fourth", FOURTH) == "published"
    ((again,),) = rows(
        "select detail ->> 'delivered after disposal' from ops.run_steps"
        " where run_id = 'fourth' and step = 'load'"
    )
    assert again == "1"
    assert rows(known, FIRST) == before == [(8,)]
    assert rows("select count(*) from identity.disposed_people") == [(1,)]
