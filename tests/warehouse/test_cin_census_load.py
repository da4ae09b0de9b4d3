"""Censuses of two years in history, and what another return of the authority may not do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cin_censuses import AUTHORITY, CHILD, SECOND, census, write_census
from ssda903_returns import write_return

from carepath.errors import DeliveryError
from carepath.landing import LoadResult, load_source
from carepath.sources import find_source
from carepath.sources.cin_census.checking import MalformedCensusError
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")
THIRD = SECOND.replace("ASH002", "ASH003").replace("<ReferralNFA>1", "<ReferralNFA>0")


def load(path: Path, text: str, night: dt.date) -> LoadResult:
    """Write a census and load it on a night."""
    return load_source(None, find_source(f"cin:{write_census(path, text)}"), night)


def rows(query: str) -> list[Any]:
    """Return what the loader finds."""
    with connect("carepath_loader") as connection:
        return connection.execute(query).fetchall()


def test_load_source_of_two_censuses_keeps_the_earlier_ones_records(tmp_path: Path) -> None:
    first = load(tmp_path / "a.xml", census(CHILD, THIRD, year=2026), dt.date(2026, 6, 30))
    assert (first.load.period, first.load.authority) == ("2026", AUTHORITY)
    again = load(tmp_path / "a.xml", census(CHILD, THIRD, year=2026), dt.date(2026, 6, 30))
    assert [table.table for table in again.tables if table.opened_count] == []
    closed = THIRD.replace(
        "<ReferralNFA>", "<CINclosureDate>2026-05-01</CINclosureDate><ReferralNFA>"
    )
    closed = closed.replace("</ReferralSource>", "</ReferralSource>", 1)
    load(tmp_path / "b.xml", census(closed, year=2027), dt.date(2027, 6, 30))
    assert rows(
        "select record_key, cine_close_date, period from history.ssd_cin_episodes"
        " where to_load is null order by record_key"
    ) == [
        ("ASH001-2025-05-06", "2026-02-27", "2026"),
        ("ASH003-2026-03-01", "2026-05-01", "2027"),
    ]
    assert rows("select count(*) from history.ssd_cp_reviews where to_load is null") == [(2,)]
    assert rows(
        f"select file, line, column_name from ops.delivery_findings where load_id = {first.load_id}"
    ) == [("a.xml", None, "NumberOfPreviousCPP")]


def test_load_source_of_a_broken_census_changes_nothing(tmp_path: Path) -> None:
    before = rows("select count(*), max(load_id) from ops.loads where state = 'loaded'")
    with pytest.raises(MalformedCensusError, match=r"d\.xml, line \d+: The XML is not well formed"):
        load(tmp_path / "d.xml", census()[:-40], dt.date(2027, 7, 1))
    assert rows("select count(*), max(load_id) from ops.loads where state = 'loaded'") == before


def test_load_source_of_another_return_of_the_year_is_refused(tmp_path: Path) -> None:
    people = rows("select count(*) from history.ssd_person where to_load is null")
    folder = write_return(tmp_path / "r")
    with pytest.raises(DeliveryError, match="cin-e09900904 already delivered ssd_person for 2027"):
        load_source(
            None,
            find_source(f"ssda903:{folder}?authority={AUTHORITY}&period=2027"),
            dt.date(2027, 7, 1),
        )
    assert rows("select count(*) from history.ssd_person where to_load is null") == people
