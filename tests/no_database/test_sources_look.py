"""`carepath run` looks at its sources first: one that is down is named before Airflow starts."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket

import pytest
from rich.console import Console

from carepath.sources import SourceSpec, database
from carepath.sources.look import unreachable
from carepath.terminal.night import look_at_sources

PASSWORD = "Winter@Hush2025"


def spec(name: str, url: str) -> SourceSpec:
    return SourceSpec(name, "E09900001", "Invented", url)


@pytest.fixture
def closed() -> str:
    """Return a place where nothing listens."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def mute() -> Iterator[str]:
    """Return the place of a server that accepts connections and never says anything."""
    with closing(socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def good(tmp_path: Path) -> SourceSpec:
    """Return a source that can be reached: an SQLite file."""
    with closing(sqlite3.connect(tmp_path / "good.sqlite")) as made:
        made.execute("create table ssd_person (pers_person_id text)")
    return spec("good", f"sqlite:///{tmp_path}/good.sqlite")


def test_each_kind_that_is_down_is_named_with_its_cause_and_no_secret(
    closed: str, good: SourceSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSD_PASSWORD", PASSWORD)
    (tmp_path / "empty").mkdir()
    answers = {
        f"postgresql://reader:${{SSD_PASSWORD}}@{closed}/HDM": "nothing answers at its host",
        f"mysql+pymysql://reader:${{SSD_PASSWORD}}@{closed}/HDM": "nothing answers at its host",
        f"sqlite:///{tmp_path}/none.sqlite": "its file cannot be opened",
        "postgresql://reader:${NOT_SET}@db.example/HDM": "NOT_SET is not set",
        "nonsense+driver://reader@db.example/HDM": "driver",
        f"ssda903:{tmp_path}/none": "There is no such file or folder. Check the path.",
        f"cin:{tmp_path}/none.xml": "There is no such file or folder. Check the path.",
        f"files:{tmp_path}/none": "There is no such file or folder. Check the path.",
        f"files:{tmp_path}/{'x' * 300}": "It cannot be opened.",
        f"files:{tmp_path}/empty": "The folder holds no file that can be read.",
    }
    specs = [spec(f"source-{n}", url) for n, url in enumerate(answers)]
    found = list(map(str, unreachable([good, *specs])))
    assert len(found) == len(answers)
    for said, words in zip(found, answers.values(), strict=True):
        assert words in said
        assert "What to do: " in said
        assert "Winter" not in said
        assert closed not in said


def test_sources_are_asked_at_once_and_a_silent_one_is_given_up(
    mute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT", 2)
    urls = (
        f"postgresql://reader@{mute}/HDM?connect_timeout=2",
        f"mysql+pymysql://reader@{mute}/HDM",
        f"mysql+pymysql://reader@{mute}/other",
    )
    begun = time.monotonic()
    found = unreachable([spec(f"source-{n}", url) for n, url in enumerate(urls)])
    assert time.monotonic() - begun < 5
    assert len(found) == 3
    assert all("it did not answer in time" in str(each) for each in found)


def test_source_whose_address_only_airflow_knows_is_left_to_the_night() -> None:
    assert unreachable([spec("ssd", "airflow://ssd")]) == []
    assert unreachable([]) == []


def test_night_goes_on_if_one_of_its_sources_can_be_reached(closed: str, good: SourceSpec) -> None:
    console = Console(width=200, record=True)
    down = spec("down", f"postgresql://reader@{closed}/HDM")
    assert look_at_sources(console, [good])
    assert console.export_text() == ""
    assert look_at_sources(console, [down, good])
    said = console.export_text()
    assert "source down: The source cannot be reached: nothing answers" in said
    assert "The night goes on with 1 other source." in said
    assert not look_at_sources(console, [down])


def run(home: Path, *arguments: str) -> tuple[int, str]:
    """Run `carepath run` in a home of its own; return its exit code and what it printed."""
    program = "from carepath.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--date", "2019-06-30", *arguments],
        env={**os.environ, "CAREPATH_HOME": str(home), "SSD_PASSWORD": PASSWORD, "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_run_against_sources_that_are_down_starts_neither_airflow_nor_a_database(
    closed: str, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sources.yml").write_text(
        f"""
- name: ashmere
  authority: E09900001
  authority_name: Invented
  url: postgresql://reader:${{SSD_PASSWORD}}@{closed}/HDM
- name: return
  authority: E09900002
  authority_name: Invented too
  url: ssda903:{tmp_path}/2018
"""
    )
    code, said = run(tmp_path)
    assert code == 1
    assert re.search(
        "source ashmere: The source cannot be reached: nothing answers at its host and port. "
        "What to do: Check that the database is running",
        said,
    )
    assert "There is no such file or folder" in said
    assert "not started, because no source can be reached. Nothing was loaded." in said
    assert "Winter" not in said
    assert not (tmp_path / "airflow").exists()
    assert not (tmp_path / "postgresql").exists()


def test_run_is_refused_before_anything_starts_if_it_has_nothing_to_load(tmp_path: Path) -> None:
    code, said = run(tmp_path)
    assert code == 1
    assert "No recording system is listed, so there is nothing to load." in said
    assert "is not listed" in said or "add one" in said
    assert not (tmp_path / "airflow").exists()
