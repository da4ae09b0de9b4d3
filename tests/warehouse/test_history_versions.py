"""History keeps every version: inserted, changed, deleted, returned, and never a false one."""

from __future__ import annotations

import datetime as dt

import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.errors import DeliveryError
from carepath.warehouse.connect import connect
from carepath.warehouse.cutoffs import show

pytestmark = pytest.mark.usefixtures("warehouse")

LEAVERS = "ssd_care_leavers"


@pytest.fixture
def system(request: pytest.FixtureRequest) -> SmallRecordingSystem:
    """A recording system for this test only, with its own authority."""
    number = request.session.items.index(request.node)
    return SmallRecordingSystem(f"history_{number}", f"E099{number:05d}")


def versions(system: SmallRecordingSystem) -> list[tuple[str, str, str | None, str]]:
    """Return (key, known from, known to, activity) of all versions of care leavers."""
    return [
        (key, str(known_from), known_to and str(known_to), activity)
        for key, known_from, known_to, activity in warehouse_rows(
            "select record_key, known_from, known_to, clea_care_leaver_activity"
            " from history.ssd_care_leavers where authority = %s order by 1, from_load, 3",
            (system.spec.authority,),
        )
    ]


def counts(result, table: str = LEAVERS) -> tuple[int, int, int]:  # type: ignore[no-untyped-def]
    """Return rows opened, closed and collapsed in a table."""
    found = next(each for each in result.tables if each.table == table)
    return found.opened_count, found.closed_count, found.duplicate_count


def test_new_record_opens_a_version(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    assert counts(system.load("2017-11-30")) == (1, 0, 0)
    assert versions(system) == [("P1", "2017-11-30", None, "F2")]


def test_first_delivery_lays_the_records_of_a_person_together(system: SmallRecordingSystem) -> None:
    for person in ("P3", "P1", "P2"):
        system.add_leaver(person)
    system.load("2017-11-30")
    assert warehouse_rows(
        "select clea_person_id from history.ssd_care_leavers where authority = %s order by ctid",
        (system.spec.authority,),
    ) == [("P1",), ("P2",), ("P3",)]


def test_planner_expects_the_records_that_staging_shows(system: SmallRecordingSystem) -> None:
    """Autovacuum may analyse ops.cutoffs at any time; the join with it must not look empty."""
    system.add_contacts(2_000)
    load = system.load("2017-11-30").load
    with connect("carepath_loader", autocommit=True) as loader:
        show(loader, load.load_id, decided_by="test")
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute("analyze ops.cutoffs")
    with connect("carepath_loader") as loader:
        [(plan,)] = loader.execute(
            "explain (format json) select * from history.ssd_contacts as record"
            " inner join ops.cutoffs as cutoff on record.authority = cutoff.authority"
            " where record.from_load <= cutoff.load_id"
            " and (record.to_load is null or record.to_load > cutoff.load_id)"
        ).fetchall()
    assert plan[0]["Plan"]["Plan Rows"] >= 200


def test_changed_record_closes_one_version_and_opens_another(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    system.add_leaver("P2")
    system.load("2017-11-30")
    system.execute(
        "update ssd_care_leavers set clea_care_leaver_activity = 'G5' where clea_person_id = 'P1'"
    )
    assert counts(system.load("2017-12-01")) == (1, 1, 0)
    assert versions(system) == [
        ("P1", "2017-11-30", "2017-12-01", "F2"),
        ("P1", "2017-12-01", None, "G5"),
        ("P2", "2017-11-30", None, "F2"),
    ]


def test_deleted_record_closes_its_version_and_returns_as_another(
    system: SmallRecordingSystem,
) -> None:
    system.add_leaver("P1")
    system.add_leaver("P2")
    system.load("2017-11-30")
    system.execute("delete from ssd_care_leavers where clea_person_id = 'P1'")
    assert counts(system.load("2017-12-01")) == (0, 1, 0)
    system.add_leaver("P1")
    assert counts(system.load("2017-12-02")) == (1, 0, 0)
    assert versions(system) == [
        ("P1", "2017-11-30", "2017-12-01", "F2"),
        ("P1", "2017-12-02", None, "F2"),
        ("P2", "2017-11-30", None, "F2"),
    ]


def test_row_ids_that_change_every_night_make_no_version(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1", row_id="a")
    system.add_leaver("P2", row_id="b")
    system.load("2017-11-30")
    system.execute("update ssd_care_leavers set clea_table_id = clea_table_id || 'x'")
    assert counts(system.load("2017-12-01")) == (0, 0, 0)
    assert [v[1:3] for v in versions(system)] == [("2017-11-30", None)] * 2
    assert warehouse_rows(
        "select clea_table_id from landing.ssd_care_leavers where authority = %s order by 1",
        (system.spec.authority,),
    ) == [("ax",), ("bx",)]  # landing has tonight's


def test_rows_multiplied_by_a_join_collapse_and_are_counted(system: SmallRecordingSystem) -> None:
    for row_id in "abc":
        system.add_leaver("P1", row_id=row_id)
    assert counts(system.load("2017-11-30")) == (1, 0, 2)
    system.add_leaver("P1", row_id="d")
    system.add_leaver("P2")
    system.add_leaver("P2")
    assert counts(system.load("2017-12-01")) == (1, 0, 4)
    assert [v[0] for v in versions(system)] == ["P1", "P2"]


def test_contradicting_rows_of_one_key_are_both_current(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1", activity="F2")
    system.add_leaver(" p1 ", activity="G5")
    assert counts(system.load("2017-11-30")) == (2, 0, 0)
    assert sorted((v[0], v[3]) for v in versions(system)) == [("P1", "F2"), ("P1", "G5")]


def test_same_delivery_twice_changes_nothing(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    system.load("2017-11-30")
    before = versions(system)
    for night in ("2017-11-30", "2017-12-01"):
        result = system.load(night)
        assert counts(result) == (0, 0, 0)
        assert all(each.is_unchanged for each in result.tables)
    assert versions(system) == before


def test_same_night_again_with_a_correction_shows_the_correction_only(
    system: SmallRecordingSystem,
) -> None:
    system.add_leaver("P1")
    system.load("2017-11-30")
    system.execute("update ssd_care_leavers set clea_care_leaver_activity = 'G5'")
    system.load("2017-11-30")
    assert versions(system) == [
        ("P1", "2017-11-30", "2017-11-30", "F2"),
        ("P1", "2017-11-30", None, "G5"),
    ]


def test_earlier_night_than_the_last_is_refused(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    system.load("2017-11-30")
    system.add_leaver("P2")
    with pytest.raises(DeliveryError, match="2017-11-29 is earlier than 2017-11-30"):
        system.load("2017-11-29")
    assert [v[0] for v in versions(system)] == ["P1"]


def test_all_rows_gone_closes_all(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    system.load("2017-11-30")
    system.execute("delete from ssd_care_leavers")
    assert counts(system.load("2017-12-01")) == (0, 1, 0)
    assert dt.date.fromisoformat(versions(system)[0][2] or "") == dt.date(2017, 12, 1)


def test_second_source_of_a_table_is_refused(system: SmallRecordingSystem) -> None:
    system.add_leaver("P1")
    system.load("2017-11-30")
    other = SmallRecordingSystem(f"{system.schema}_other", system.spec.authority)
    other.add_leaver("P9")
    with pytest.raises(DeliveryError, match=f"{system.spec.name} already delivers this table"):
        other.load("2017-11-30")
    other.execute("delete from ssd_care_leavers")
    other.execute("insert into local_eet_status values ('P1', 'EET', '2017-11-01', 'W1')")
    other.load("2017-11-30")  # tables of their own go side by side
    assert [v[0] for v in versions(system)] == ["P1"]
