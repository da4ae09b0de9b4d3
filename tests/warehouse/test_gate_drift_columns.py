"""What the columns of loaded tables say, kept load by load on a real PostgreSQL."""

from __future__ import annotations

import datetime as dt

import pytest
from small_recording_system import SmallRecordingSystem

from carepath.contract import load_contract
from carepath.quality.figures import columns, drift
from carepath.quality.figures.columns import BLANK, OTHER, Said, deliveries, profile
from carepath.quality.figures.figure import Build
from carepath.warehouse.connect import connect

AUTHORITY = "E09900001"
LEAVERS, ACTIVITY = "ssd_care_leavers", "clea_care_leaver_activity"


class Department:
    """A recording system whose loads are judged and published one after the other."""

    def __init__(self) -> None:
        self.system = SmallRecordingSystem("drifting", AUTHORITY)
        self.load_id = 0

    def night(self, night: str, *, publishes: bool = True) -> Build:
        """Load a night, profile it as gate 2 does, publish it, and return what gate 2 judges."""
        self.load_id = self.system.load(night).load.load_id
        day = dt.date.fromisoformat(night)
        with connect("carepath_loader", autocommit=True) as loader:
            found = profile(loader, AUTHORITY, self.load_id, day)
            loads = deliveries(loader, AUTHORITY, self.load_id, day)
        if publishes:
            with connect("carepath_owner", autocommit=True) as owner:
                owner.execute(
                    "insert into ops.publications (authority, load_id, night) values (%s, %s, %s)",
                    (AUTHORITY, self.load_id, day),
                )
        return Build(night=day, profile=found, deliveries=loads)

    def leavers(self, first: int, count: int, activity: str | None) -> None:
        """Add care leavers with an activity."""
        for number in range(first, first + count):
            self.system.add_leaver(f"P{number}", activity or "", row_id=str(number))


@pytest.fixture
def department(warehouse_again: None) -> Department:
    return Department()


@pytest.fixture
def warehouse_again(warehouse: None) -> None:
    """Empty what an earlier test of the module left behind."""
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute(
            "truncate ops.publications, ops.column_profiles;"
            "delete from ops.loads; delete from ops.sources"
        )
        for table in ("ssd_care_leavers", "ssd_contacts", "local_eet_status"):
            owner.execute(f"drop table if exists history.{table}__{AUTHORITY.lower()}")


def keys(found: tuple[int, list[drift.Finding]]) -> list[str]:
    return [f"{finding.mart}|{finding.key}" for finding in found[1]]


def test_profile_counts_codes_blanks_and_other_values(department: Department) -> None:
    department.leavers(0, 3, "F2 - education")
    department.leavers(3, 2, "Young person engaged full time in higher education")
    department.leavers(5, 1, "works with her uncle")
    department.leavers(6, 1, None)
    build = department.night("2019-03-01")
    activities = build.profile.tonight[LEAVERS, ACTIVITY]
    assert activities == {
        BLANK: Said(1, 0), OTHER: Said(1, 0), "F2": Said(3, 0), "F1": Said(2, 0),
    }  # fmt: skip
    assert build.profile.tonight[LEAVERS, "clea_person_id"] == {BLANK: Said(), OTHER: Said(7, 0)}
    # a name in a column of codes is not kept
    with connect("carepath_analyst") as analyst:
        kept = analyst.execute("select string_agg(code, ' ') from ops.column_profiles").fetchone()
    assert kept is not None
    assert "uncle" not in kept[0]


def test_profile_of_changed_records_is_the_one_of_all_records(department: Department) -> None:
    department.leavers(0, 40, "F2")
    department.system.add_contacts(30)
    department.night("2019-03-01")
    for night, statement in (
        ("2019-03-02", "update ssd_care_leavers set clea_care_leaver_activity = 'G5'"
                       " where clea_table_id::integer % 3 = 0"),
        ("2019-03-03", "delete from ssd_contacts where cont_contact_id like '%5'"),
        ("2019-03-04", "update ssd_care_leavers set clea_care_leaver_activity = 'F2'"),
        ("2019-03-05", "update ssd_contacts set cont_contact_source_code = null"),
    ):  # fmt: skip
        department.system.execute(statement)
        tonight = department.night(night).profile.tonight
        with connect("carepath_loader") as loader:
            for name in ("ssd_care_leavers", "ssd_contacts"):
                whole = columns._changes(
                    loader, load_contract().tables[name], AUTHORITY, None, department.load_id
                )
                for column, codes in whole.items():
                    standing = {c: s.standing for c, s in tonight[column].items() if s.standing}
                    assert standing == {c: s.standing for c, s in codes.items() if s.standing}
    # fourteen became G5 and then F2 again
    assert tonight[LEAVERS, ACTIVITY]["G5"] == Said(0, 14)
    assert tonight[LEAVERS, ACTIVITY]["F2"] == Said(40, 14)


def test_profile_of_a_load_that_is_judged_again_stays_the_same(department: Department) -> None:
    department.leavers(0, 5, "F2")
    department.night("2019-03-01")
    department.leavers(5, 5, "F1")
    first = department.night("2019-03-02", publishes=False).profile
    with connect("carepath_loader", autocommit=True) as loader:
        again = profile(loader, AUTHORITY, department.load_id, dt.date(2019, 3, 2))
    assert again == first


def test_profiles_are_kept_for_five_weeks_and_month_ends(department: Department) -> None:
    department.leavers(0, 5, "F2")
    for night in ("2019-01-30", "2019-01-31", "2019-02-27", "2019-02-28", "2019-04-10"):
        department.night(night)
    with connect("carepath_analyst") as analyst:
        kept = analyst.execute(
            "select distinct night::text from ops.column_profiles"
            " inner join ops.loads using (load_id) order by 1"
        ).fetchall()
    assert [night for (night,) in kept] == ["2019-01-31", "2019-02-28", "2019-04-10"]


def test_columns_that_drift_are_found_and_ordinary_months_are_not(department: Department) -> None:
    department.leavers(0, 100, "F2")
    department.leavers(100, 60, "F1")
    assert keys(drift.codes_appeared(department.night("2019-03-01"))) == []
    department.leavers(160, 5, "F2")
    department.leavers(165, 2, None)
    ordinary = department.night("2019-04-01")
    for rule in (drift.codes_appeared, drift.codes_vanished, drift.blanks_jumped):
        assert keys(rule(ordinary)) == []
    # the form was changed: one code is gone, another takes its place, and some enter nothing
    department.system.execute(
        "update ssd_care_leavers set clea_care_leaver_activity = 'G5'"
        " where clea_care_leaver_activity = 'F1'"
    )
    department.system.execute(
        "update ssd_care_leavers set clea_care_leaver_in_touch = '' where clea_table_id < '130'"
    )
    for night in ("2019-05-01", "2019-05-02"):  # it stays for four weeks, until it is usual
        changed = department.night(night)
        assert keys(drift.codes_appeared(changed)) == [f"{LEAVERS}|{ACTIVITY}|G5"]
        assert keys(drift.codes_vanished(changed)) == [f"{LEAVERS}|{ACTIVITY}|F1"]
        assert keys(drift.blanks_jumped(changed)) == [f"{LEAVERS}|clea_care_leaver_in_touch"]
    later = department.night("2019-06-10")
    for rule in (drift.codes_appeared, drift.codes_vanished, drift.blanks_jumped):
        assert keys(rule(later)) == []


def test_table_that_stands_still_is_found_from_its_loads(department: Department) -> None:
    number = 0

    def contacts(first: str, nights: int, each: int) -> Build:
        nonlocal number
        build = Build(night=dt.date.fromisoformat(first))
        for day in range(0, nights, 7):
            department.system.execute(
                "insert into ssd_contacts (cont_contact_id, cont_person_id)"
                " select 'K' || n, 'P' || n from generate_series(%s::integer, %s::integer) as n",
                (number, number + each - 1),
            )
            number += each
            night = dt.date.fromisoformat(first) + dt.timedelta(days=day)
            build = department.night(night.isoformat())
        return build

    assert keys(drift.stood_still(contacts("2019-02-04", 50, 12))) == []
    assert keys(drift.stood_still(contacts("2019-03-29", 8, 0))) == []
    assert keys(drift.stood_still(contacts("2019-04-12", 8, 0))) == ["ssd_contacts|no new record"]
