"""The whole warehouse as known at a past day, before any night has built anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from small_recording_system import SmallRecordingSystem, warehouse_rows

from carepath.errors import WarehouseError
from carepath.warehouse.as_known_at import build_as_known_at
from carepath.warehouse.connect import connect

FIRST, SECOND = dt.date(2017, 11, 30), dt.date(2017, 12, 31)
AUTHORITY = "E09900072"
BUILT = [f"{name}_as_known_20171130" for name in ("core", "marts_build", "staging")]


@pytest.fixture(scope="module", autouse=True)
def loaded(staged_warehouse: None) -> SmallRecordingSystem:
    """Two loads, of which no night has built anything."""
    system = SmallRecordingSystem("as_known_at", AUTHORITY)
    system.add_leaver("P1", "F2")
    system.load(f"{FIRST}")
    system.execute("update ssd_care_leavers set clea_care_leaver_activity = 'G5'")
    system.load(f"{SECOND}")
    return system


def past_schemas() -> list[str]:
    return [
        name
        for (name,) in warehouse_rows(
            "select nspname from pg_namespace where nspname ~ '_as_known_' order by 1"
        )
    ]


def activity() -> list[tuple[Any, ...]]:
    return warehouse_rows("select activity_code from staging_as_known_20171130.stg_care_leavers")


@contextmanager
def broken_model() -> Iterator[str]:
    """Make the view over contacts impossible; give its name."""
    rename = "alter table history.ssd_contacts rename column {} to {}"
    with connect("carepath_owner", autocommit=True) as owner:
        owner.execute(rename.format("cont_contact_date", "gone"))  # type: ignore[arg-type]
        try:
            yield "stg_contacts"
        finally:
            owner.execute(rename.format("gone", "cont_contact_date"))  # type: ignore[arg-type]


def test_past_state_is_built_before_the_first_night_and_a_failure_leaves_it_as_it_was() -> None:
    build_as_known_at(FIRST)
    assert past_schemas() == BUILT
    assert activity() == [("F2",)]
    with connect("carepath_analyst") as analyst:
        query = "select count(*) from core_as_known_20171130.fct_leaving_care_snapshot"
        assert analyst.execute(query).fetchone() == (1,)
    # tonight's tables do not come from it
    assert warehouse_rows("select count(*) from pg_tables where schemaname = 'core'") == [(0,)]

    # what a killed process left of another day
    with connect("carepath_loader") as loader:
        loader.execute("create schema core_as_known_20171231_unfinished")
        loader.execute("create table core_as_known_20171231_unfinished.dim_date (n integer)")
    with broken_model() as name, pytest.raises(WarehouseError, match=name):
        build_as_known_at(FIRST)
    assert past_schemas() == BUILT
    assert activity() == [("F2",)]


def test_past_state_of_a_day_before_the_first_load_is_refused() -> None:
    before = past_schemas()
    with pytest.raises(WarehouseError, match="Nothing had been loaded by 29 November 2017") as said:
        build_as_known_at(FIRST - dt.timedelta(1))
    assert "Choose a day from 30 November 2017 on." in str(said.value)
    assert past_schemas() == before


def test_past_states_are_built_one_at_a_time() -> None:
    with connect("carepath_loader") as other:
        other.execute("select pg_advisory_lock(hashtext('carepath.as_known_at'))")
        with pytest.raises(WarehouseError, match="is being built by another process"):
            build_as_known_at(FIRST)
