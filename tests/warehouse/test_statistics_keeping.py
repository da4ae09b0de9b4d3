"""Published statistics in the warehouse: added whole, replaced by year and area, removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import published_statistics as files
import pytest
from rich.console import Console

from carepath.errors import StatisticsError
from carepath.statistics import add, kept_files, remove
from carepath.terminal.statistics import add_files, print_files
from carepath.warehouse.connect import connect

pytestmark = pytest.mark.usefixtures("warehouse")


@pytest.fixture
def loader() -> Iterator[psycopg.Connection]:
    """A connection as carepath_loader; the list of files is empty before each test."""
    with connect("carepath_loader", autocommit=True) as connection:
        connection.execute("delete from ops.statistics_files")
        yield connection


def shares(connection: psycopg.Connection) -> dict[tuple[int, str], str]:
    rows = connection.execute(
        "select time_period, area_code, cells ->> 'rereferral_percent' from ops.statistics_rows"
    ).fetchall()
    return {(period, area): share for period, area, share in rows}


def test_file_that_is_added_again_replaces_its_rows(
    loader: psycopg.Connection, tmp_path: Path
) -> None:
    add(loader, files.referrals(tmp_path, england="22"), "analyst")
    add(loader, files.referrals(tmp_path, "2018.csv", year=2018), "analyst")
    (again,) = add(loader, files.referrals(tmp_path, england="23"), "analyst")
    assert again.replaced == 14
    found = shares(loader)
    assert (len(found), found[2019, "E92000001"], found[2018, "E92000001"]) == (28, "23", "22")
    assert [(k.file_name, k.row_count, k.first_period) for k in kept_files(loader)] == [
        ("2018.csv", 14, 2018), ("c1.csv", 14, 2019),
    ]  # fmt: skip


def test_file_of_one_area_replaces_that_area_only(
    loader: psycopg.Connection, tmp_path: Path
) -> None:
    add(loader, files.referrals(tmp_path), "analyst")
    one = files.referrals(tmp_path, "england.csv", england="25")
    one.write_text("\n".join(one.read_text("utf-8").splitlines()[:2]) + "\n", encoding="utf-8")
    (added,) = add(loader, one, "analyst")
    assert added.replaced == 1
    found = shares(loader)
    assert (len(found), found[2019, "E92000001"], found[2019, "E09000003"]) == (14, "25", "13")
    assert {k.file_name: k.row_count for k in kept_files(loader)} == {
        "c1.csv": 13, "england.csv": 1,
    }  # fmt: skip


def test_file_that_is_refused_changes_nothing(loader: psycopg.Connection, tmp_path: Path) -> None:
    add(loader, files.referrals(tmp_path), "analyst")
    before = shares(loader)
    bad = files.referrals(tmp_path, "bad.csv", england="25")
    bad.write_text(bad.read_text("utf-8").replace("E09000012", "E0900001"), encoding="utf-8")
    with pytest.raises(StatisticsError, match=r"bad\.csv: .*line 15, column new_la_code"):
        add(loader, bad, "analyst")
    assert shares(loader) == before
    assert [kept.file_name for kept in kept_files(loader)] == ["c1.csv"]


def test_file_that_is_removed_takes_its_rows_with_it(
    loader: psycopg.Connection, tmp_path: Path
) -> None:
    (added,) = add(loader, files.children(tmp_path), "analyst")
    add(loader, files.neighbours(tmp_path), "analyst")
    (renewed,) = add(loader, files.neighbours(tmp_path), "analyst")
    assert renewed.replaced == 10
    remove(loader, added.file_id)
    counts = [
        loader.execute(f"select count(*) from ops.statistics_{name}").fetchone()
        for name in ("files", "populations", "areas", "neighbours")
    ]
    assert counts == [(1,), (0,), (0,), (10,)]
    with pytest.raises(StatisticsError, match="has the number 999"):
        remove(loader, 999)


def test_command_says_what_a_file_was_and_lists_it(
    loader: psycopg.Connection, tmp_path: Path
) -> None:
    console = Console(record=True, width=200)
    print_files(console)
    add_files(console, [files.referrals(tmp_path), files.by_age(tmp_path)])
    print_files(console)
    shown = console.export_text()
    assert "No published statistics have been added." in shown
    assert "referrals (2019 to 2019), 14 rows of c1.csv." in shown
    assert "Left out: 1 areas that are districts or are outside England." in shown
    assert "population by age and sex" in shown.split("The next night")[1]


@pytest.mark.parametrize("role", ["carepath_analyst", "carepath_steward", "bi_reader"])
def test_readers_cannot_change_published_statistics(loader: psycopg.Connection, role: str) -> None:
    with (
        connect(role) as reader,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        reader.execute("delete from ops.statistics_files")
