"""A disk that is full, of the data or of PostgreSQL's log of changes: a small disk of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_disk
from small_recording_system import SmallRecordingSystem, everything, warehouse_rows

import carepath.warehouse
from carepath.errors import DeliveryError, WarehouseError
from carepath.settings import get_settings
from carepath.warehouse import embedded
from carepath.warehouse.connect import connect
from carepath.warehouse.passwords import ADMINISTRATOR

MEGABYTE = 1024 * 1024


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A CAREPATH_HOME with a warehouse, alone on a disk of 700 MB in memory."""
    with small_disk.mounted(megabytes=700) as folder:
        if folder is None:
            pytest.skip(small_disk.MISSING)
        monkeypatch.setenv("CAREPATH_HOME", str(folder))
        get_settings.cache_clear()
        carepath.warehouse.ready()
        yield folder
        embedded.destroy()
        monkeypatch.undo()
        get_settings.cache_clear()


@pytest.fixture
def system(disk: Path) -> SmallRecordingSystem:
    """A recording system that has been loaded, and has 50,000 contacts more since."""
    system = SmallRecordingSystem("disk_full", "E09800001")
    system.add_leaver("P1")
    system.add_contacts(500)
    system.load("2017-11-30")
    system.execute("delete from ssd_contacts")
    system.add_contacts(50_000)
    return system


def fill(disk: Path, but: int) -> Path:
    """Fill the disk except for so many MB."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - but * MEGABYTE)
    return filler


def history() -> dict[str, Any]:
    """All rows of history."""
    with connect("carepath_loader") as connection:
        return {
            table: rows
            for table, rows in everything(connection).items()
            if table.startswith("history.")
        }


def loads_again(system: SmallRecordingSystem) -> None:
    opened = {table.table: table.opened_count for table in system.load("2017-12-01").tables}
    assert opened == {"ssd_care_leavers": 0, "ssd_contacts": 49_500, "local_eet_status": 0}


@pytest.mark.fault(
    "The disk of the warehouse is full.",
    "The load stops and says so. History is as before, and the same load runs once there is room.",
)
def test_load_stops_at_a_full_disk_and_runs_when_there_is_room(
    disk: Path, system: SmallRecordingSystem
) -> None:
    before = history()
    filler = fill(disk, but=2)

    with pytest.raises(DeliveryError, match="the warehouse's disk is full") as caught:
        system.load("2017-12-01")

    assert "docs/growth.md" in str(caught.value)
    assert "Nothing was loaded" in str(caught.value)
    filler.unlink()
    assert history() == before
    loads_again(system)
    states = warehouse_rows("select state from ops.loads order by load_id")
    assert states == [("loaded",), ("failed",), ("loaded",)]


@pytest.mark.fault(
    "The disk is full when PostgreSQL needs a new file for its log of changes.",
    "PostgreSQL stops. It starts again once there is room, with history as before.",
)
def test_server_that_cannot_write_its_log_starts_again_when_there_is_room(
    disk: Path, system: SmallRecordingSystem
) -> None:
    before = history()
    filler = fill(disk, but=1)

    def until_it_gives_up() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            connect(ADMINISTRATOR).close()

    def write_log() -> None:
        with connect(ADMINISTRATOR, autocommit=True) as admin:
            for _ in range(100):  # each one needs a file of 16 MB
                admin.execute("select pg_logical_emit_message(false, 'test', 'x')")
                admin.execute("select pg_switch_wal()")

    with pytest.raises(Exception, match=r"No space left|server closed the connection"):
        write_log()
    with pytest.raises(WarehouseError, match="carepath up"):
        until_it_gives_up()

    filler.unlink()
    embedded.start()
    assert history() == before
    loads_again(system)
