"""A night of files: each kind that can be a source, and a zip, through the DAG, gates and all."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from annex_a_workbooks import write_workbook
from cin_censuses import census, write_census
from ssda903_returns import RETURN, nested, write_return

from carepath.errors import SourceError
from carepath.service import configuration, night_run
from carepath.sources import SourceSpec, open_source
from carepath.warehouse.connect import connect

NIGHT = dt.date(2026, 3, 31)
# authority of each source, a table that it fills, and how many records that table has
LOADED = {
    "E09910001": ("ssd_cla_episodes", 2),  # SSDA903, CSV
    "E09910002": ("ssd_cla_episodes", 2),  # SSDA903, XML
    "E09910003": ("ssd_cin_episodes", 2),  # census, XML
    "E09910004": ("ssd_contacts", 2),  # Annex A, a workbook
    "E09910005": ("ssd_cla_episodes", 2),  # a zip of a return and a workbook
}


@pytest.fixture(scope="module")
def night(staged_warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> night_run.NightRun:
    """One night that loads all of them."""
    return night_run.run_night(NIGHT, sources=sources(tmp_path_factory.mktemp("files")))


def sources(folder: Path) -> list[str]:
    """Write the files, and return the address of each source."""
    csv_return = write_return(folder / "csv")
    (folder / "xml").mkdir()
    (folder / "xml" / "return.xml").write_text(nested(RETURN))
    cin = write_census(folder / "census.xml", census())
    book = write_workbook(folder / "book.xlsx")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for path in (*csv_return.iterdir(), book):
            archive.write(path, path.name)
    return [
        f"ssda903:{csv_return}?authority=E09910001&period=2018",
        f"ssda903:{folder / 'xml'}?authority=E09910002&period=2018",
        f"cin:{cin}?authority=E09910003",
        f"files:{book}?authority=E09910004",
        f"files:{folder / 'all.zip'}?authority=E09910005&period=2018",
    ]


@pytest.mark.usefixtures("night")  # it has made Airflow's database
def test_command_finds_a_connection_that_airflow_keeps(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cases.db")) as made:
        made.execute("create table ssd_person (pers_person_id text)")
    kept = {"conn_type": "sqlite", "schema": str(tmp_path / "cases.db")}
    arguments = ("connections", "add", "cases", "--conn-json", json.dumps(kept))
    configuration.airflow(arguments, log=tmp_path / "log")
    spec = SourceSpec("cases", "E09910006", "Invented", "airflow://cases")
    with open_source(spec).open() as session:
        assert list(session.describe()) == ["ssd_person"]
    absent = SourceSpec("cases", "E09910006", "Invented", "airflow://absent")
    with pytest.raises(SourceError, match="Airflow has no connection absent"):
        open_source(absent)


def test_every_kind_of_file_is_loaded_judged_and_published(night: night_run.NightRun) -> None:
    assert night.state == "published", f"{night.message}\n{night.log.read_text()[-4000:]}"
    with connect("carepath_analyst") as connection:
        judged = connection.execute(
            "select authority, gate, decision from quality.gate_runs where run_id = %s"
            " order by authority, gate",
            (night.run_id,),
        ).fetchall()
    with connect("bi_reader") as connection:
        published = connection.execute(
            "select authority from marts.publication order by authority"
        ).fetchall()
    assert [(authority, gate) for authority, gate, _ in judged] == [
        (authority, gate) for authority in LOADED for gate in (1, 2)
    ]
    assert {decision for *_, decision in judged} == {"pass"}
    assert [authority for (authority,) in published] == list(LOADED)


@pytest.mark.parametrize("authority", LOADED)
def test_records_of_the_files_are_in_staging(night: night_run.NightRun, authority: str) -> None:
    table, count = LOADED[authority]
    with connect("carepath_loader") as connection:
        found = connection.execute(
            f"select count(*) from staging.{table.replace('ssd_', 'stg_')} where authority = %s",  # type: ignore[arg-type]
            (authority,),
        ).fetchone()
    assert found == (count,)
