"""Returns of several years in history; a malformed one changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ssda903_returns import AUTHORITY, EPISODES, HEADER, OC3, write_return

from carepath.landing import LoadResult, load_source
from carepath.sources import find_source
from carepath.sources.ssda903.checking import MalformedReturnError
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")

NEXT_YEAR = {
    "children.csv": "".join(HEADER.splitlines(keepends=True)[i] for i in (0, 3)),
    "stays.csv": "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,"
    "HOME_POST,PL_POST,URN\nASH003,09/06/2017,P,C2,N1,K2,PR4,05/05/2018,E8,,,,\n",
    "leavers.csv": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\nASH002,02/01/2000,YES,F1,K1\n",
}


def load(folder: Path, files: Mapping[str, str | bytes | None], night: dt.date) -> LoadResult:
    """Write a return and load it on a night."""
    return load_source(None, find_source(f"ssda903:{write_return(folder, files)}"), night)


def rows(query: str) -> list[Any]:
    """Return what the loader finds."""
    with connect("carepath_loader") as connection:
        return connection.execute(query).fetchall()


CURRENT = "select count(*) from history.{} where to_load is null"


def test_load_source_of_two_returns_keeps_episodes_and_replaces_the_care_leavers_status(
    tmp_path: Path,
) -> None:
    first = load(tmp_path / "a", {}, dt.date(2018, 6, 30)).load
    assert (first.period, first.authority) == ("2018", AUTHORITY)
    again = load(tmp_path / "a", {}, dt.date(2018, 6, 30))
    assert [(t.opened_count, t.closed_count) for t in again.tables if t.opened_count] == []
    assert load(tmp_path / "b", NEXT_YEAR, dt.date(2019, 6, 30)).load.period == "2019"
    assert rows(CURRENT.format("ssd_person")) == [(3,)]
    assert rows(
        "select record_key, clae_cla_episode_ceased_date from history.ssd_cla_episodes"
        " where to_load is null order by record_key"
    ) == [("ASH003|2017-02-03", "2017-06-09"), ("ASH003|2017-06-09", "2018-05-05")]
    assert rows(
        "select record_key, clea_care_leaver_accommodation from history.ssd_care_leavers"
        " where to_load is null"
    ) == [("ASH002", "K")]


def test_load_source_of_a_return_names_the_columns_that_it_holds(tmp_path: Path) -> None:
    load_id = load(tmp_path / "held", {}, dt.date(2019, 7, 1)).load_id
    columns = dict(
        rows(f"select table_name, columns from ops.table_deliveries where load_id = {load_id}")
    )
    assert "clea_care_leaver_accom_suitable" in columns["ssd_care_leavers"]
    assert "clea_pathway_plan_review_date" not in columns["ssd_care_leavers"]
    assert "pers_is_mother" in columns["ssd_person"]
    assert "ssd_immigration_status" not in columns


@pytest.mark.parametrize(
    "files",
    [
        {"leavers.csv": OC3.replace("14/05/1999", "14/15/1999")},
        {"stays.csv": EPISODES.encode("utf-16-le")},
        {"children.csv": ""},
    ],
    ids=["bad date in the last file", "UTF-16 without its mark", "empty"],
)
def test_load_source_of_a_malformed_return_changes_nothing(
    tmp_path: Path, files: Mapping[str, str | bytes]
) -> None:
    load(tmp_path / "right", {}, dt.date(2020, 6, 30))
    before = {
        table: rows(f"select md5(string_agg(t::text, '~' order by t::text)) from {table} as t")
        for schema in ("landing", "history")
        for table in (f"{schema}.ssd_person", f"{schema}.ssd_care_leavers")
    }
    with pytest.raises(MalformedReturnError) as caught:
        load(tmp_path / "c", files, dt.date(2020, 6, 30))
    for table, content in before.items():
        found = rows(f"select md5(string_agg(t::text, '~' order by t::text)) from {table} as t")
        assert found == content, table
    ((state, message),) = rows("select state, message from ops.loads order by load_id desc limit 1")
    assert state == "failed"
    assert next(iter(files)) in message
    assert all(str(error) in message for error in caught.value.errors)


def test_load_source_with_a_child_twice_keeps_both_and_the_finding(tmp_path: Path) -> None:
    twice = OC3 + "ASH001,14/05/1999,NO,F2,K2\n"
    result = load(tmp_path / "d", {"leavers.csv": twice}, dt.date(2020, 6, 30))
    assert rows(
        "select count(*) from history.ssd_care_leavers"
        " where to_load is null and record_key = 'ASH001'"
    ) == [(2,)]
    assert rows(
        "select file, line, column_name from ops.delivery_findings"
        f" where load_id = {result.load_id}"
    ) == [("leavers.csv", 4, "CHILD")]


def test_load_source_keeps_apart_what_ad1_and_placed_for_adoption_say_of_one_child(
    tmp_path: Path,
) -> None:
    files = {
        "ad1.csv": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
        "ASH003,20/08/2009,01/05/2017,01/06/2017,0,2,MF,L0\n",
        "placed.csv": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n"
        "ASH003,20/08/2009,01/07/2017,01/08/2017,RD1\nASH003,20/08/2009,01/10/2017,,\n",
    }
    load(tmp_path / "adoption", files, dt.date(2020, 6, 30))
    assert rows(
        "select record_key, perm_matched_date, perm_placed_for_adoption_date"
        " from history.ssd_permanence where to_load is null order by record_key"
    ) == [
        ("ASH003|AD1", "2017-06-01", None),
        ("ASH003|PLACED-2017-07-01", None, "2017-07-01"),
        ("ASH003|PLACED-2017-10-01", None, "2017-10-01"),
    ]
