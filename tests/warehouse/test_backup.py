"""A backup, restored into a new cluster, is the same warehouse."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from messy_care import MessyCare

from carepath.contract import load_contract
from carepath.door import certificate
from carepath.errors import WarehouseError
from carepath.landing.tables import ensure
from carepath.settings import get_settings
from carepath.warehouse import embedded
from carepath.warehouse.backup import back_up, checksums, restore
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import known_passwords

AUTHORITY = "E09900001"


@pytest.fixture(scope="module")
def backup(warehouse: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a warehouse with a load, tables as dbt makes them, and a finding."""
    ensure(load_contract())
    load_id = MessyCare("backed_up", AUTHORITY, seed=1, children=30).load(dt.date(2019, 9, 30))
    with connect("carepath_loader") as loader:
        loader.execute(
            "create table core.fct_x (n integer primary key, day date, said text);"
            "insert into core.fct_x select n, date '2019-01-01' + n, repeat('ä', n % 7)"
            " from generate_series(1, 2000) as n;"
            "create unlogged table marts_build.kpi_x as select n, n / 3.0::float8 as share"
            " from core.fct_x"
        )
        loader.execute(
            "insert into quality.gate_runs (run_id, authority, gate, load_id, night, decision)"
            " select run_id, authority, 1, load_id, night, 'hold' from ops.loads"
            " where load_id = %s",
            (load_id.load.load_id,),
        )
    with connect("carepath_owner") as owner:
        owner.execute("create table marts.kpi_x as select * from marts_build.kpi_x")
    folder = tmp_path_factory.mktemp("backups") / "2019-09-30"
    certificate.ready()
    back_up(folder)
    return folder


@pytest.fixture
def new_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, whose cluster is destroyed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="carepath-restored-"))
    folder.chmod(0o755)
    monkeypatch.setenv("CAREPATH_HOME", str(folder))
    get_settings.cache_clear()
    yield folder
    embedded.destroy()
    monkeypatch.undo()
    get_settings.cache_clear()
    shutil.rmtree(folder)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_backup_is_readable_by_its_owner_only_and_is_not_written_over(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o700
    assert (backup / "passwords.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(WarehouseError, match="not empty"):
        back_up(backup)


@pytest.mark.fault(
    "A backup is restored into a new server.",
    "Each table has the same checksum as before.",
)
def test_restored_warehouse_has_the_same_checksums_roles_and_settings(
    backup: Path, new_home: Path
) -> None:
    wanted = json.loads((backup / "checksums.json").read_text())["tables"]
    for schema in ("landing", "history", "core", "marts_build", "marts", "quality", "ops"):
        rows = [text for name, text in wanted.items() if name.startswith(f"{schema}.")]
        assert any(not text.startswith("0 rows") for text in rows), schema

    assert restore(backup) == len(wanted)
    with connect("carepath_owner") as owner:
        assert checksums(owner) == wanted
    assert known_passwords() == json.loads((backup / "passwords.json").read_text())
    assert names(new_home / "site") == names(backup / "site")
    root = new_home / "tls" / "carepath_root.key"  # Windows goes on trusting what it has signed
    assert root.read_bytes() == (backup / "tls" / "carepath_root.key").read_bytes()
    assert root.stat().st_mode & 0o777 == 0o600
    with connect("bi_reader") as reader:
        assert reader.execute("select count(*) from marts.kpi_x").fetchone() == (2000,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select * from core.fct_x")
    with connect("carepath_loader") as loader:  # what a night does next
        loader.execute("drop table core.fct_x")
        loader.execute("insert into ops.authorities values ('E09900002', 'Next')")

    with pytest.raises(WarehouseError, match="a restore would delete them"):
        restore(backup)


@pytest.mark.fault("A backup is damaged.", "The restore stops and names the table.")
def test_table_that_is_not_as_it_was_is_named(backup: Path, new_home: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(backup, damaged)
    text = (damaged / "checksums.json").read_text().replace("2000 rows", "1999 rows", 1)
    (damaged / "checksums.json").write_text(text)
    with pytest.raises(WarehouseError, match=r"1 tables are not as they were: core\.fct_x"):
        restore(damaged)


def test_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="not a complete backup"):
        restore(tmp_path)
