"""Files of several kinds are loaded like a database; what is refused changes nothing."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from annex_a_workbooks import LISTS, write_workbook
from ssda903_returns import write_return

from carepath.landing import load_source
from carepath.sources import find_source
from carepath.sources.delivered import MalformedFilesError
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")
AUTHORITY = "E09900905"


def load(path: Path, night: dt.date) -> None:
    load_source(None, find_source(f"files:{path}?authority={AUTHORITY}"), night)


def current(table: str) -> list[Any]:
    """Return the keys of the current records, and from which collection year they are."""
    with connect("carepath_loader") as connection:
        return connection.execute(
            f"select record_key, period from history.{table}"
            " where to_load is null and authority = %s order by 1",
            (AUTHORITY,),
        ).fetchall()


def test_a_zip_of_a_return_and_a_workbook_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = write_return(tmp_path / "all")
    write_workbook(folder / "lists.xlsx")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    load(archive, dt.date(2018, 6, 30))
    people = [(f"ASH{number:03}", "2018") for number in (1, 2, 3, 9)]
    assert current("ssd_person") == people
    assert [key for key, _ in current("ssd_cla_episodes")] == [
        "ASH003|2017-02-03", "ASH003|2017-06-09",
    ]  # fmt: skip
    assert [key for key, _ in current("ssd_cin_episodes")] == ["ASH001-2023-09-02"]
    broken = {**LISTS, "Contacts": [LISTS["Contacts"][0], ("", *LISTS["Contacts"][1][1:])]}
    write_workbook(folder / "lists.xlsx", broken)
    with pytest.raises(MalformedFilesError, match="sheet Contacts, line 2, column child"):
        load(folder, dt.date(2018, 7, 31))
    assert current("ssd_person") == people
    assert len(current("ssd_contacts")) == 2


def test_a_workbook_replaces_the_one_before(tmp_path: Path) -> None:
    later = {**LISTS, "Contacts": LISTS["Contacts"][:2]}
    spec = find_source(f"files:{write_workbook(tmp_path / 'a.xlsx')}?authority=E09900906")
    load_source(None, spec, dt.date(2023, 9, 30))
    write_workbook(tmp_path / "a.xlsx", later)
    result = load_source(None, spec, dt.date(2023, 10, 31))
    closed = {each.table: each.closed_count for each in result.tables}
    assert closed["ssd_contacts"] == 1
    assert sum(closed.values()) == 2  # the contact and its child
